"""A device type ``toy``, found by its entry point."""

from lamella_toy_backend.backend import ToyBackend

__all__ = ["ToyBackend", "load"]


def load() -> ToyBackend:
    """What the entry point names: makes the backend."""
    return ToyBackend()
