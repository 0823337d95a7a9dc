"""``torch.testing``: comparison of values under a tolerance, and tensors to try ops on."""

from __future__ import annotations

from lamella.testing._comparison import assert_allclose, assert_close
from lamella.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
