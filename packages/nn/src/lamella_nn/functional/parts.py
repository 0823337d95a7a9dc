"""Functions of several ops on large inputs, some slices at a time where nothing is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.ops.splitting import fill_in_parts
from lamella_nn.functional.arguments import is_constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core import Tensor

# Elements from which it is worth the calls, and of a part.
_LARGE = 524288
_PART = 65536


def in_slices(
    function: Callable[..., Tensor],
    dim: int | None,
    input: Tensor,
    *others: Tensor | None,
) -> Tensor:
    """``function(input)``, of the input's shape and type, which treats all slices alike.

    Args:
        function: may be called with some slices of the input.
        dim: the dimension that is cut; the longest one but the second when None.
        others: further tensors that the function uses, whose gradients may be wanted.
    """
    size = input._array.size
    if size < _LARGE or not all([x is None or is_constant(x) for x in (input, *others)]):
        return function(input)
    shape = input._array.shape
    if dim is None:
        dim = max((i for i in range(len(shape)) if i != 1), key=shape.__getitem__)
    given = input.transpose(0, dim)
    result = input.new_empty(shape) if input.is_contiguous() else input.clone()
    step = max(1, _PART * shape[dim] // size)
    turned = result.transpose(0, dim)
    fill_in_parts(
        turned, step, lambda part: function(part.transpose(0, dim)).transpose(0, dim), given
    )
    return result
