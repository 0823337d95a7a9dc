"""A hash of the elements of a tensor: their bits, combined by exclusive or."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.common import normalize_dims, not_implemented_for
from lamella_core.conventions.results import place_of, write_out
from lamella_core.dtype import COMPLEX, FLOATING
from lamella_core.ops.joining import cat
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["hash_tensor"]

_UNSIGNED = (dtypes.uint16, dtypes.uint32, dtypes.uint64)


@composite()
def hash_tensor(
    input: Tensor,
    dim: int | Sequence[int] = (),
    *,
    keepdim: bool = False,
    mode: int = 0,
    out: Any = None,
) -> Tensor:
    """The exclusive or of the bits of the elements, each as a float64 or an int64.

    Two tensors with equal elements have equal hashes, in any order of the elements.

    Args:
        input: floating, integers or bool.
        dim: the dimensions that are combined; all if there is none.
        keepdim: keep them with size 1.
        mode: 0, the only hash there is.
        out: uint64.

    Returns:
        uint64.

    Raises:
        RuntimeError: for another mode or another type of ``out``; for an empty tensor without
            ``dim``.
        IndexError: for a dimension of size 0.
        NotImplementedError: for complex and wide unsigned types.
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}; expected 0, the exclusive or")
    if out is not None:
        place_of(out, dtypes.uint64)
    shape = input.shape
    of_all = dim in ((), [])
    dims = tuple(range(len(shape))) if of_all else normalize_dims(dim, len(shape))
    if of_all and not input.numel():
        raise RuntimeError(
            "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify "
            "the reduction dim with the 'dim' argument."
        )
    for each in dims if shape else ():
        if not shape[each]:
            raise IndexError(f"hash_tensor: Expected reduction dim {each} to have non-zero size.")
    if input._dtype.category == COMPLEX or input._dtype in _UNSIGNED:
        raise not_implemented_for("hash_tensor", input._dtype)
    is_floating = input._dtype.category == FLOATING
    bits = input.to(dtypes.float64 if is_floating else dtypes.int64)
    kept = [d for d in range(len(shape)) if d not in dims]
    places = [d for d in dims if shape]
    bits = bits.permute(*kept, *places).reshape(
        *(shape[d] for d in kept), math.prod(shape[d] for d in places)
    )
    bits = bits.view(dtypes.int64)
    while (count := bits.shape[-1]) > 1:
        half = count // 2
        halves = bits[..., :half] ^ bits[..., half : 2 * half]
        bits = cat((halves, bits[..., 2 * half :]), -1) if count % 2 else halves
    wanted = [1 if d in dims else shape[d] for d in range(len(shape)) if keepdim or d not in dims]
    return write_out("hash_tensor", bits.reshape(wanted).view(dtypes.uint64), out)
