"""The backends that come with tensor-core."""
