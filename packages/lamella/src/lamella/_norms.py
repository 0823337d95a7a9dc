"""Norms that PyTorch has at its top level beside ``torch.norm`` and ``torch.linalg``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core import linalg
from lamella_core.composite import checked as _checked
from lamella_core.conventions.common import normalize_dim

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Ints

__all__ = ["frobenius_norm", "norm_except_dim", "nuclear_norm"]


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm of each part along a dimension, over all the other dimensions.

    Args:
        v: of a floating or complex type.
        pow: the p of the norm.
        dim: the dimension that stays; the others have size 1 in the result. -1 takes the norm of
            all elements, without dimensions.

    Raises:
        IndexError: when ``dim`` is out of range.
        RuntimeError: for other types.
    """
    if dim == -1:
        return core.norm(v, pow)
    place = normalize_dim(dim, v.ndim)
    if not v.ndim:
        raise IndexError(f"norm_except_dim: dimension {dim} of a tensor without dimensions")
    shape = [1] * v.ndim
    shape[place] = v.shape[place]
    return core.norm(v.transpose(0, place).reshape(v.shape[place], -1), pow, 1).view(shape)


def frobenius_norm(
    input: Tensor, dim: Ints, keepdim: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """The root of the sum of squares over up to two dimensions.

    Args:
        input: of a floating or complex type.
        dim: the dimensions; none for all.
        keepdim: whether they stay, with size 1.

    Raises:
        RuntimeError: for more than two dimensions or other types.
    """
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) > 2:
        raise RuntimeError(
            f"Expected at most 2 dimensions, but got {len(dims)} dimensions instead."
        )
    return core.norm(input, 2, dims or None, keepdim, out=out)


def nuclear_norm(
    input: Tensor,
    dim: Ints | bool = (-2, -1),
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """The sum of the singular values of a matrix, or of each in a batch.

    Args:
        input: of a floating or complex type.
        dim: the two dimensions of the matrices; they may be left out, before ``keepdim`` too.
        keepdim: whether they stay, with size 1.

    Raises:
        RuntimeError: for another number of dimensions or other types.
    """
    if isinstance(dim, bool):
        return linalg.matrix_norm(input, "nuc", (-2, -1), dim, out=out)
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    return linalg.matrix_norm(input, "nuc", dims, keepdim, out=out)


for _name in __all__:
    globals()[_name] = _checked(globals()[_name], renames=False)
