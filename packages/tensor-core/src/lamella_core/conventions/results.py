"""Results of composites written into tensors that the caller gave."""

from __future__ import annotations

from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.conventions.common import LARGE, check_memory, out_error, store
from lamella_core.dispatch import LIFTED, REORDERED, REQUIRES_GRAD, backend_of_tensor, modes
from lamella_core.offers import offers
from lamella_core.storage import resize
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.device import Device
    from lamella_core.dtype import dtype


def write_out(
    op_name: str, result: Tensor, out: Tensor | None, *inputs: Tensor, exact: bool = False
) -> Tensor:
    """``result`` itself, or ``out`` with the result written into it, resized to fit.

    Args:
        op_name: for messages.
        result: what to write.
        out: what to write into.
        inputs: tensors whose memory ``out`` must not share.
        exact: whether ``out`` must have the result's type.

    Raises:
        RuntimeError: when the result's category does not fit the type of ``out``, one of the two
            is part of a graph, or the memory of ``out`` meets itself or that of an input.
    """
    if out is None:
        if result._key & REQUIRES_GRAD:
            result._made_by(op_name)
        return result
    if not isinstance(out, Tensor):
        raise TypeError(f"{op_name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if exact and result._dtype is not out._dtype:
        raise RuntimeError(
            f"Expected out tensor to have dtype {result._dtype.name}, but got {out._dtype.name} "
            f"instead ({op_name})"
        )
    check_memory(op_name, out, inputs, apart=True)
    if modes.bits == 0 and (out._key | result._key) & REQUIRES_GRAD:
        raise out_error(op_name)
    if (out._key | result._key) & LIFTED and out._array.shape == result._array.shape:
        # There is no memory to store in: the transform is told of the write.
        return out.copy_(result)
    store(op_name, backend_of_tensor(out), out, result._array, result._dtype, inplace=False)
    return out


def offering(out: Any, function: Any, *read: Any) -> Any:
    """A function on tensors, whose kernel is offered the memory of ``out`` for its result.

    What comes back is to be stored in ``out`` all the same, which then finds nothing to copy.
    ``read`` are tensors that are read when the function is done.
    """
    if out is None or (out.__class__ is Tensor and out._array.size < LARGE):
        return function
    return partial(_offer, out, function, read)


def _offer(out: Any, function: Any, read: tuple[Any, ...], *args: Any) -> Any:
    places = _places(out if isinstance(out, (tuple, list)) else (out,), [*read, *args])
    if not places:
        return function(*args)
    offers[get_ident()] = places
    try:
        return function(*args)
    finally:
        offers.pop(get_ident(), None)


def part_by_part(
    out: Any, shape: tuple[int, ...], dtype: dtype, input: Tensor, *read: Tensor
) -> Tensor | None:
    """The memory of ``out`` for a result that a composite fills itself, if it is fit for that.

    It may be that of ``input``, of which each part is read before it is written, but of none that
    is ``read``. What is filled is to be stored in ``out`` all the same, as with :func:`offering`.
    """
    if not isinstance(out, Tensor) or out._array.shape != shape or out._dtype is not dtype:
        return None
    if out._array is not input._array:
        read = (input, *read)
    return out.detach() if _places((out,), [*read]) else None


def _places(targets: Any, args: list[Any]) -> list[Any]:
    # The memory of the targets, where a write to it changes nothing that may yet be read.
    lists = [each if isinstance(each, (tuple, list)) else (each,) for each in args]
    tensors = [each for several in lists for each in several if isinstance(each, Tensor)]
    if not all(isinstance(each, Tensor) for each in targets):
        return []
    backend = backend_of_tensor(targets[0])
    plain = ~(REORDERED | (REQUIRES_GRAD if modes.bits else 0))
    if any(each._key & plain != backend.key for each in (*targets, *tensors)):
        return []
    arrays = [each._array for each in tensors]
    large = [
        t._array for t in targets if t._array.size >= backend.large and 0 not in t._array.strides
    ]
    for i, place in enumerate(large):
        others = large[:i]
        if any(np.may_share_memory(place, each) for each in arrays + others) or any(
            place.dtype == each.dtype for each in others
        ):
            return []
    return large


def sized(out: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``out`` with the shape of the result, which it gets without a warning."""
    if out._array.shape != shape:
        resize(out, shape)
    return out


def place_of(out: Tensor, wanted: Any) -> tuple[dtype, Device]:
    """The dtype and device of an ``out`` tensor, which stand for those arguments.

    Raises:
        RuntimeError: when another dtype is wanted.
    """
    if not isinstance(out, Tensor):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if wanted is not None and wanted is not out._dtype:
        raise RuntimeError(
            f"dtype {wanted!r} does not match dtype of out parameter ({out._dtype!r})"
        )
    return out._dtype, out.device


def check_tensors(op_name: str, **operands: Any) -> None:
    """Raises TypeError, unless all operands, given by name in their order, are tensors."""
    for place, (name, each) in enumerate(operands.items(), 1):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"{op_name}(): argument '{name}' (position {place}) must be Tensor, not "
                f"{type(each).__name__}"
            )


def write_outs(
    op_name: str,
    results: Any,
    out: Sequence[Tensor] | None,
    *inputs: Tensor,
    exact: bool = True,
) -> Any:
    """The same for an op with several results; the tuple that comes back is of the same class."""
    if out is None:
        if (results[0]._key | results[-1]._key) & REQUIRES_GRAD:
            for result in results:
                result._made_by(op_name)
        return results
    if not isinstance(out, (tuple, list)) or len(out) != len(results):
        raise TypeError(
            f"{op_name}(): argument 'out' must be tuple of {len(results)} Tensors, not {out!r:.40}"
        )
    for result, target in zip(results, out, strict=True):
        write_out(op_name, result, target, *inputs, exact=exact)
    return type(results)(out)
