"""Creation: tensors from sizes and numbers."""

from __future__ import annotations

import builtins
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import (
    check_bits,
    check_size,
    number_of_type,
    read_dtype,
    read_sizes,
)
from lamella_core.conventions.common import LARGE, index_of, not_implemented_for, overflow_error
from lamella_core.conventions.creation import creation
from lamella_core.conventions.results import offering, place_of, sized, write_out
from lamella_core.dispatch import device_key, modes
from lamella_core.dtype import dtype as dtype_class
from lamella_core.formats import (
    channels_last,
    channels_last_3d,
    channels_last_order,
    check_layout,
    dense_strides,
    reach,
)
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor
from lamella_core.warning import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype
    from lamella_core.formats import layout, memory_format
    from lamella_core.typing import DeviceLike, Number

__all__ = [
    "arange", "empty", "empty_permuted", "empty_strided", "eye", "full", "linspace",
    "logspace", "ones", "range", "scalar_tensor", "tril_indices", "triu_indices", "zeros",
]  # fmt: skip


# ------------ primitives


_empty = creation("empty(size, dtype: dtype, device: Device | None)")
_zeros = creation("zeros(size, dtype: dtype, device: Device | None)")
_ones = creation("ones(size, dtype: dtype, device: Device | None)")
_full = creation("full(size, fill_value, dtype: dtype, device: Device | None)")
_arange = creation("arange(start, end, step, dtype: dtype, device: Device | None)")
_linspace = creation("linspace(start, end, steps: int, dtype: dtype, device: Device | None)")
_logspace = creation(
    "logspace(start, end, steps: int, base: float, dtype: dtype, device: Device | None)"
)
_eye = creation("eye(n: int, m: int, dtype: dtype, device: Device | None)")
_tril_indices = creation(
    "tril_indices(row: int, col: int, offset: int, dtype: dtype, device: Device | None)"
)
_triu_indices = creation(
    "triu_indices(row: int, col: int, offset: int, dtype: dtype, device: Device | None)"
)


_empty_table = _empty.op.table
_full_table = _full.op.table
_arange_table = _arange.op.table


# ------------ from sizes and numbers


def _given(
    op_name: str, out: Tensor | None, wanted: Any, device: Any, layout: layout | None
) -> tuple[dtype, Any]:
    # The dtype and device arguments; an ``out`` tensor stands for both.
    if layout is not None:
        check_layout(layout)
    if out is None:
        return dtypes.defaults.floating if wanted is None else read_dtype(op_name, wanted), device
    return place_of(out, wanted)


def _finished(
    op_name: str,
    tensor: Tensor,
    out: Tensor | None,
    requires_grad: bool,
    pin_memory: bool = False,
) -> Tensor:
    if out is not None:
        if op_name != "arange":
            sized(out, tensor._array.shape)
        return write_out(op_name, tensor, out)
    return as_asked(tensor, requires_grad, pin_memory)


def as_asked(tensor: Tensor, requires_grad: bool | None, pin_memory: bool | None) -> Tensor:
    """A new tensor, in page-locked memory or a leaf of the graph if so wanted."""
    if pin_memory is True:
        tensor = tensor.pin_memory()
    elif pin_memory is not False and pin_memory is not None:
        check_switches("pin_memory", pin_memory=pin_memory)
    if requires_grad is False or requires_grad is None:
        return tensor
    return tensor.requires_grad_(requires_grad)


def _filled(name: str, make: Any, doc: str) -> Any:
    table = make.op.table

    def fill(
        *sizes: Any,
        size: Sequence[int] | None = None,
        out: Tensor | None = None,
        dtype: dtype | None = None,
        layout: layout | None = None,
        device: DeviceLike | None = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
    ) -> Tensor:
        shape = sizes if sizes and sizes[0].__class__ is int else sizes_of(name, sizes, size)
        if dtype is None or out is not None or layout is not None:
            dtype, device = _given(name, out, dtype, device, layout)
            if out is not None:
                shape = checked_sizes(name, shape)
                few = sized(out, shape)._array.size < LARGE
                tensor = make(shape if few else (), dtype, device)
                return write_out(name, tensor if few else tensor.expand(shape), out)
        try:
            tensor = table[modes.bits | device_key(device)](shape, dtype, device)
        except (AttributeError, TypeError, ValueError):
            tensor = make(checked_sizes(name, shape), read_dtype(name, dtype), device)
        if pin_memory is requires_grad is False:
            return tensor
        return as_asked(tensor, requires_grad, pin_memory)

    fill.__name__ = fill.__qualname__ = name
    fill.__doc__ = doc
    return fill


zeros = _filled(
    "zeros",
    _zeros,
    """A tensor of zeros.

    Args:
        sizes, size: the shape, as integers or as one sequence of them.
        out: a tensor to write into; it is resized to ``size``.
        dtype: the element type; the default floating type when None.
        layout: ``strided``, the only one here.
        device: where the memory is; the default device when None.
        pin_memory: put it in page-locked memory, for CUDA.
        requires_grad: whether autograd records ops on it.

    Raises:
        RuntimeError: for a negative size.
    """,
)
ones = _filled("ones", _ones, "A tensor of ones. The arguments are those of :func:`zeros`.")


def empty(
    *sizes: Any,
    size: Sequence[int] | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: memory_format | None = None,
) -> Tensor:
    """A tensor whose elements are not set. The arguments are those of :func:`zeros`.

    Args:
        memory_format: ``channels_last`` or ``channels_last_3d`` puts dimension 1 innermost.
    """
    shape = sizes if sizes and sizes[0].__class__ is int else sizes_of("empty", sizes, size)
    if dtype is None or out is not None or layout is not None:
        dtype, device = _given("empty", out, dtype, device, layout)
        if out is not None:
            return write_out("empty", sized(out, checked_sizes("empty", shape)), out)
    try:
        tensor = _empty_table[modes.bits | device_key(device)](shape, dtype, device)
    except (AttributeError, TypeError, ValueError):
        shape = checked_sizes("empty", shape)
        tensor = _empty(shape, read_dtype("empty", dtype), device)
    if memory_format is channels_last or memory_format is channels_last_3d:
        shape = tensor._array.shape
        order = channels_last_order(len(shape), memory_format)
        tensor = tensor.as_strided(shape, dense_strides(shape, order))
        tensor._view = None
    if pin_memory is requires_grad is False:
        return tensor
    return as_asked(tensor, requires_grad, pin_memory)


def sizes_of(op_name: str, sizes: tuple[Any, ...], size: Any) -> Any:
    """The sizes of ``zeros(3)``, ``zeros((2, 3))`` and ``zeros(size=(2, 3))``.

    The array that is made checks them.
    """
    if not sizes:
        if size is None:
            raise TypeError(f'{op_name}() missing 1 required positional arguments: "size"')
        return size
    only = sizes[0]
    kind = only.__class__
    if kind is int:
        return sizes
    if (kind is tuple or kind is list) and (not only or only[0].__class__ is int):
        return only
    return read_sizes(op_name, sizes)


def checked_sizes(op_name: str, shape: Any) -> tuple[int, ...]:
    """The sizes, or the error that says what is wrong with them."""
    return check_size(op_name, read_sizes(op_name, (shape,)))


def full(
    size: Sequence[int],
    fill_value: Number | Tensor,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor filled with ``fill_value``, whose type it has when ``dtype`` is None.

    The other arguments are those of :func:`zeros`.
    """
    if isinstance(fill_value, (Tensor, np.generic)):
        if dtype is None and out is None and isinstance(fill_value, Tensor):
            dtype = fill_value._dtype
        fill_value = fill_value.item()
    if dtype is None and out is None:
        kind = fill_value.__class__
        dtype = dtypes.defaults.floating if kind is float else dtypes.of_number(fill_value)
    if out is not None or layout is not None or dtype.__class__ is not dtype_class:
        dtype, device = _given("full", out, dtype, device, layout)
    value = number_of_type(fill_value, dtype)
    if out is not None:
        size = checked_sizes("full", size)
        few = sized(out, size)._array.size < LARGE
        tensor = _full(size if few else (), value, dtype, device)
        return write_out("full", tensor if few else tensor.expand(size), out)
    try:
        tensor = _full_table[modes.bits | device_key(device)](size, value, dtype, device)
    except (TypeError, ValueError):
        tensor = _full(checked_sizes("full", size), value, dtype, device)
    if pin_memory is requires_grad is False:
        return tensor
    return as_asked(tensor, requires_grad, pin_memory)


def scalar_tensor(
    s: Number,
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor without dimensions that holds ``s``; of the default floating type."""
    check_layout(layout)
    dtype = read_dtype("scalar_tensor", dtype)
    tensor = full((), s, dtype=dtype, device=device)
    return as_asked(tensor, requires_grad, pin_memory)


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def arange(
    start: Number | None = None,
    end: Number | None = None,
    step: Number = 1,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers ``start``, ``start + step``, … that lie before ``end``.

    There are ``ceil((end - start) / step)`` of them. With one number it is ``end``, and ``start``
    is 0. The type is int64 when all three are integers, else the default floating type.

    Raises:
        RuntimeError: when ``step`` is 0 or leads away from ``end``, or int64 does not hold a bound.
    """
    if end is None:
        start, end = 0, start
    elif start is None:
        start = 0
    first: Any
    limit: Any
    stride: Any
    first, limit, stride = start, end, step
    whole = first.__class__ is limit.__class__ is stride.__class__ is int
    if not whole:
        first, limit, stride = _number(start), _number(end), _number(step)
        whole = all(isinstance(n, int) for n in (first, limit, stride))
    if dtype is None and whole and out is None:
        dtype = dtypes.int64
    if out is not None or layout is not None or dtype.__class__ is not dtype_class:
        dtype, device = _given("arange", out, dtype, device, layout)
    if dtype is not dtypes.int64 and dtype.category in (dtypes.BOOL, dtypes.COMPLEX):
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtype.class_name}'")
    if not whole or stride <= 0 or first > limit or limit >= 2**63:
        _check_range(first, limit, stride)
        if dtype is dtypes.int64:
            first, limit, stride = int(first), int(limit), int(stride)
            if max(first, limit) >= 2**63:
                raise overflow_error("arange", dtype)
            if not stride:
                raise ValueError("step must be nonzero: it is 0 when cut off to int64")
    table = _arange_table[modes.bits | device_key(device)]
    if out is not None:
        table = partial(_in_a_row, out, table)
    tensor = table(first, limit, stride, dtype, device)
    if out is None and pin_memory is False:
        return tensor if requires_grad is False else as_asked(tensor, requires_grad, False)
    return _finished("arange", tensor, out, requires_grad, pin_memory)


def _in_a_row(out: Tensor | None, make: Any, *args: Any) -> Tensor:
    # Numbers in a row, which an ``out`` of as many elements takes in its own shape.
    if out is None:
        return make(*args)  # type: ignore[no-any-return]
    whole = out._array.ndim > 1 and out._array.flags.c_contiguous
    tensor = offering(out.detach().view(-1) if whole else out, make)(*args)
    return tensor.view(out.shape) if tensor._array.size == out._array.size else tensor


def _check_range(start: Any, end: Any, step: Any) -> None:
    for each in (start, end, step):
        if isinstance(each, complex):
            raise RuntimeError(f"a range has no complex numbers: {each}")
        if isinstance(each, int):
            check_bits(each)
    if not step:
        raise RuntimeError("step must be nonzero")
    span = end - start
    if span != span or span in (float("inf"), -float("inf")):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if span * step < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: from {start} to {end} "
            f"by {step}"
        )


def range(
    start: Number = 0,
    end: Number | None = None,
    step: Number = 1,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from ``start`` to ``end``, both included; deprecated in favour of `arange`.

    The type is the default floating type when ``dtype`` is None.
    """

    warn("torch.range is deprecated: use torch.arange, which leaves the end out")
    if end is None:
        start, end = 0, start
    first, last, stride = _number(start), _number(end), _number(step)
    dtype, device = _given("range", out, dtype, device, layout)
    _check_range(first, last, stride)
    count = int((last - first) / stride) + 1
    tensor = _in_a_row(out, _arange, first, first + count * stride, stride, dtype, device)
    return _finished("range", tensor, out, requires_grad)


def _spaced(op_name: str, start: Any, end: Any, steps: Any, dtype: Any) -> tuple[Any, Any, dtype]:
    for name, value in (("start", start), ("end", end)):
        if isinstance(value, Tensor) and value._array.ndim:
            raise RuntimeError(
                f"{op_name} only supports 0-dimensional start and end tensors, but got {name} "
                f"with {value._array.ndim} dimension(s)."
            )
    start, end = _number(start), _number(end)
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(
            f"{op_name}() received an invalid combination of arguments: 'steps' must be int, not "
            f"{type(steps).__name__}"
        )
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    if dtype is None and any(isinstance(n, complex) for n in (start, end)):
        return start, end, dtypes.defaults.complex
    dtype = read_dtype(op_name, dtype)
    if dtype is dtypes.bool_:
        raise not_implemented_for(op_name, dtype)
    for each in (start, end):
        if dtype.category == dtypes.FLOATING and isinstance(each, complex):
            raise RuntimeError(f"{op_name}(): a complex number does not fit {dtype.name}: {each}")
        number_of_type(each, dtype)
    return start, end, dtype


def linspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, with equal distances.

    Raises:
        RuntimeError: when ``steps`` is negative.
    """
    check_layout(layout)
    if out is not None:
        dtype, device = _given("linspace", out, dtype, device, layout)
    start, end, dtype = _spaced("linspace", start, end, steps, dtype)
    tensor = _in_a_row(out, _linspace, start, end, steps, dtype, device)
    return _finished("linspace", tensor, out, requires_grad, pin_memory)


def logspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` powers of ``base``, the exponents from ``start`` to ``end`` with equal distances.

    Raises:
        RuntimeError: when ``steps`` is negative.
    """
    check_layout(layout)
    if out is not None:
        dtype, device = _given("logspace", out, dtype, device, layout)
    start, end, dtype = _spaced("logspace", start, end, steps, dtype)
    tensor = _in_a_row(out, _logspace, start, end, steps, base, dtype, device)
    return _finished("logspace", tensor, out, requires_grad, pin_memory)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with 1 on the diagonal and 0 elsewhere: ``n`` rows, ``m`` columns (``n`` if None).

    Raises:
        RuntimeError: when ``n`` or ``m`` is negative.
    """
    m = n if m is None else m
    for name, value in (("n", n), ("m", m)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {value}")
    dtype, device = _given("eye", out, dtype, device, layout)
    if out is not None:
        sized(out, (n, m))
    tensor = offering(out, _eye)(n, m, dtype, device)
    return _finished("eye", tensor, out, requires_grad, pin_memory)


def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: dtype = dtypes.int64,
    device: DeviceLike | None = None,
    layout: layout | None = None,
) -> Tensor:
    """Rows and columns (shape ``(2, count)``) of the lower triangle, row by row.

    Args:
        offset: the diagonal that bounds it: 0 the main one, positive above it.
    """
    check_layout(layout)
    row, col, offset = _corner("tril_indices", row, col, offset)
    return _tril_indices(row, col, offset, dtype, device)


def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: dtype = dtypes.int64,
    device: DeviceLike | None = None,
    layout: layout | None = None,
) -> Tensor:
    """Rows and columns (shape ``(2, count)``) of the upper triangle, row by row."""
    check_layout(layout)
    row, col, offset = _corner("triu_indices", row, col, offset)
    return _triu_indices(row, col, offset, dtype, device)


def _corner(op_name: str, row: int, col: int, offset: int) -> tuple[int, int, int]:
    row, col = check_size(op_name, (index_of(row, "row"), index_of(col, "col")))
    return row, col, index_of(offset, "offset")


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of the given size and strides (in elements), its elements not set.

    Raises:
        RuntimeError: when the lengths of ``size`` and ``stride`` differ.
    """
    check_layout(layout)
    shape = check_size("empty_strided", read_sizes("empty_strided", (size,)))
    strides = read_sizes("empty_strided", (stride,), "stride")
    tensor = _strided(shape, strides, read_dtype("empty_strided", dtype), device)
    return as_asked(tensor, requires_grad, pin_memory)


def _strided(shape: tuple[int, ...], strides: tuple[int, ...], dtype: dtype, device: Any) -> Tensor:
    if len(shape) != len(strides):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides "
            f"({len(strides)})"
        )
    tensor = _empty((reach(shape, strides),), dtype, device).as_strided(shape, strides, 0)
    tensor._view = None
    return tensor


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A dense tensor whose dimensions lie in memory in the order given, outermost first.

    Raises:
        RuntimeError: when ``physical_layout`` is no permutation of the dimensions.
    """
    check_layout(layout)
    shape = check_size("empty_permuted", read_sizes("empty_permuted", (size,)))
    order = tuple(physical_layout)
    if sorted(order) != list(builtins.range(len(shape))):
        raise RuntimeError(
            f"empty_permuted: physical_layout {list(order)} must name each of the {len(shape)} "
            f"dimensions once"
        )
    tensor = _strided(
        shape, dense_strides(shape, order), read_dtype("empty_permuted", dtype), device
    )
    return as_asked(tensor, requires_grad, pin_memory)
