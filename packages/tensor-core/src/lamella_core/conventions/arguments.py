"""Reading of the arguments that ops have in common: sizes, dimensions, types, devices."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import resize_out
from lamella_core.dispatch import backend_of_tensor, modes
from lamella_core.dtype import dtype
from lamella_core.storage import mark_written, storage_of
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_sizes(op_name: str, sizes: Sequence[Any], argument: str = "size") -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` alike: integers given one by one or as one sequence.

    Raises:
        TypeError: when something is no integer.
    """
    if len(sizes) == 1:
        only = sizes[0]
        if only.__class__ is int:
            return (only,)
        if isinstance(only, (tuple, list)):
            sizes = only
    try:
        return tuple([n if n.__class__ is int else index(n) for n in sizes])
    except TypeError:
        i, wrong = next((i, n) for i, n in enumerate(sizes) if not _is_index(n))
        raise TypeError(
            f"{op_name}(): argument '{argument}' must be tuple of ints, but found element of type "
            f"{type(wrong).__name__} at pos {i}"
        ) from None


def _is_index(value: Any) -> bool:
    try:
        index(value)
    except TypeError:
        return False
    return True


def check_size(op_name: str, size: tuple[int, ...]) -> tuple[int, ...]:
    """Raises RuntimeError for a negative size."""
    for n in size:
        if n < 0:
            raise RuntimeError(
                f"{op_name}(): Dimension size must be non-negative, got {n} in size {list(size)}"
            )
    return size


def read_dtype(op_name: str, wanted: Any) -> dtype:
    """The dtype argument, None being the default floating type.

    Raises:
        TypeError: when it is something else.
    """
    if wanted is None:
        return dtypes.defaults.floating
    if wanted.__class__ is dtype:
        return wanted
    if wanted.__class__ is type and wanted in dtypes.PYTHON_TYPES:
        return dtypes.PYTHON_TYPES[wanted]
    raise TypeError(
        f"{op_name}(): argument 'dtype' must be torch.dtype, not {type(wanted).__name__}"
    )


def give_out(
    op_name: str, out: Tensor, result: Tensor, *inputs: Tensor, exact: bool = False
) -> Tensor:
    """Writes a composite's result into ``out``, resized to fit.

    Args:
        op_name: for messages.
        out: what to write into.
        result: what to write.
        inputs: tensors whose memory ``out`` must not share.
        exact: whether ``out`` must have the result's type.

    Raises:
        RuntimeError: when the result's category does not fit the type of ``out``, or the memory
            of ``out`` meets itself or that of an input.
    """
    if not isinstance(out, Tensor):
        raise TypeError(f"{op_name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if exact and result._dtype is not out._dtype:
        raise RuntimeError(
            f"Expected out tensor to have dtype {result._dtype.name}, but got {out._dtype.name} "
            f"instead ({op_name})"
        )
    _check_memory(op_name, out, inputs)
    if result._dtype.category > out._dtype.category:
        raise RuntimeError(
            f"result type {result._dtype.class_name} can't be cast to the desired output type "
            f"{out._dtype.class_name} ({op_name})"
        )
    if out.requires_grad or (result.requires_grad and modes.bits == 0):
        raise RuntimeError(
            f"{op_name}(): functions with out=... arguments don't support automatic "
            f"differentiation, but one of the arguments requires grad."
        )
    backend = backend_of_tensor(out)
    if result._array.shape != out._array.shape:
        resize_out(op_name, backend, out, result._array.shape)
    backend.copy_into(out._array, result._array)
    mark_written(out)
    return out


def _check_memory(op_name: str, out: Tensor, inputs: tuple[Tensor, ...]) -> None:
    steps = zip(out._array.shape, out.stride(), strict=True)
    if out._array.size and any(n > 1 and not step for n, step in steps):
        raise RuntimeError(
            f"unsupported operation: more than one element of the written-to tensor refers to a "
            f"single memory location. Please clone() the tensor before performing the operation. "
            f"({op_name})"
        )
    for each in inputs:
        if storage_of(each) is not storage_of(out):
            continue
        first, last = _extent(out)
        start, end = _extent(each)
        if first < end and start < last:
            raise RuntimeError(
                f"unsupported operation: some elements of the input tensor and the written-to "
                f"tensor refer to a single memory location. Please clone() the tensor before "
                f"performing the operation. ({op_name})"
            )


def _extent(tensor: Tensor) -> tuple[int, int]:
    """The first place in the storage that a tensor covers, and the one after the last."""
    if not tensor._array.size:
        return 0, 0
    start = tensor.storage_offset()
    steps = zip(tensor._array.shape, tensor.stride(), strict=True)
    return start, start + 1 + sum((n - 1) * step for n, step in steps)
