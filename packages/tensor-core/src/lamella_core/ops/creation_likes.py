"""Creation in the likeness of another tensor: ``zeros_like(x)``, ``x.new_zeros(2, 3)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.composite import checked, composite
from lamella_core.conventions.arguments import check_size, number_of_type, read_dtype, read_sizes
from lamella_core.conventions.structural import structural
from lamella_core.dispatch import LIFTED, backend_of_tensor, device_key, modes
from lamella_core.dtype import dtype as dtype_class
from lamella_core.formats import (
    channels_last,
    channels_last_3d,
    channels_last_order,
    check_layout,
    contiguous_format,
    dense_strides,
    order_of,
    preserve_format,
)
from lamella_core.ops.creation import (
    _empty,
    _full,
    _ones,
    _strided,
    _zeros,
    as_asked,
    sizes_of,
)
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype
    from lamella_core.formats import layout, memory_format
    from lamella_core.typing import DeviceLike, Number

__all__ = ["empty_like", "full_like", "ones_like", "zeros_like"]


# A new tensor as it is, for layers that give it what they gave to ``input``, its pattern.
made_after = structural()("made_after(tensor: Tensor, input: Tensor)")


def strides_like(input: Tensor, wanted: memory_format | None = None) -> tuple[int, ...] | None:
    """The strides of a new tensor made after ``input``; None when they are row-major.

    ``preserve_format`` keeps the order of the dimensions in memory, without gaps.
    """
    shape = input._array.shape
    if wanted is channels_last or wanted is channels_last_3d:
        return dense_strides(shape, channels_last_order(len(shape), wanted))
    if len(shape) < 2 or (wanted is not None and wanted is not preserve_format):
        return None
    if input.is_contiguous():
        return None
    strides = input.stride()
    order = order_of(shape, strides)
    return None if order == sorted(order) else dense_strides(shape, order)


def _like(
    make: Any, input: Tensor, value: Any, dtype: Any, device: Any, wanted: Any, layout: Any
) -> Tensor:
    if layout is not None:
        check_layout(layout)
    if dtype is None:
        dtype = input._dtype
    elif dtype.__class__ is not dtype_class:
        dtype = read_dtype("like", dtype)
    if device is None:
        backend = backend_of_tensor(input)
        device, key = backend.sole_device or input.device, backend.key
    else:
        key = device_key(device)
    array = input._array
    plain = array.flags.c_contiguous and wanted in _ROW_MAJOR
    strides = None if plain else strides_like(input, wanted)
    shape = array.shape
    if strides is None:
        tensor = make.op.table[modes.bits | key](shape, *value, dtype, device)
    else:
        tensor = _strided(shape, strides, dtype, device)
        if make is _zeros:
            tensor.zero_()
        elif make is not _empty:
            tensor.fill_(*(value or (1,)))
    return made_after(tensor, input) if input._key & LIFTED else tensor


_ROW_MAJOR = (preserve_format, None, contiguous_format)


def _in_the_shape(name: str, make: Any, doc: str) -> Any:
    table = make.op.table

    def like(
        input: Tensor,
        *,
        dtype: dtype | None = None,
        layout: layout | None = None,
        device: DeviceLike | None = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
        memory_format: memory_format | None = preserve_format,
    ) -> Tensor:
        array = input._array
        if (
            dtype is device is layout is None
            and memory_format is preserve_format
            and array.flags.c_contiguous
            and not input._key & LIFTED
        ):
            backend = backend_of_tensor(input)
            place = backend.sole_device or input.device
            tensor = table[modes.bits | backend.key](array.shape, input._dtype, place)
        else:
            tensor = _like(make, input, (), dtype, device, memory_format, layout)
        if pin_memory is requires_grad is False:
            return tensor
        return as_asked(tensor, requires_grad, pin_memory)

    like.__name__ = like.__qualname__ = name
    like.__doc__ = doc
    return checked(like)


empty_like = _in_the_shape(
    "empty_like",
    _empty,
    """A tensor of the shape of ``input``, its elements not set.

    Args:
        input: gives the shape, and the type and device where those are None.
        dtype, layout, device, pin_memory, requires_grad: see :func:`zeros`.
        memory_format: ``preserve_format`` keeps the order of the dimensions in memory.
    """,
)
zeros_like = _in_the_shape(
    "zeros_like",
    _zeros,
    "Zeros in the shape of ``input``. The arguments are those of :func:`empty_like`.",
)
ones_like = _in_the_shape(
    "ones_like",
    _ones,
    "Ones in the shape of ``input``. The arguments are those of :func:`empty_like`.",
)


@checked
def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    pin_memory: bool | None = False,
    requires_grad: bool | None = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """``fill_value`` in the shape of ``input``. The arguments are those of :func:`empty_like`."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    kind = input._dtype if dtype is None else read_dtype("full_like", dtype)
    value = (number_of_type(fill_value, kind),)
    tensor = _like(_full, input, value, kind, device, memory_format, layout)
    return as_asked(tensor, requires_grad, pin_memory)


def _new(
    make: Any,
    input: Tensor,
    size: tuple[Any, ...],
    value: tuple[Any, ...],
    dtype: Any,
    device: Any,
    layout: Any,
) -> Tensor:
    if layout is not None:
        check_layout(layout)
    shape = check_size("new", read_sizes("new", size))
    dtype = input._dtype if dtype is None else read_dtype("new", dtype)
    if device is None:
        device = input.device
    tensor = make.op.table[modes.bits | device_key(device)](shape, *value, dtype, device)
    return made_after(tensor, input) if input._key & LIFTED else tensor


def _of_the_type(name: str, make: Any, doc: str) -> Any:
    def new(
        self: Tensor,
        *sizes: Any,
        size: Sequence[int] | None = None,
        dtype: dtype | None = None,
        device: DeviceLike | None = None,
        requires_grad: bool | None = False,
        layout: layout | None = None,
        pin_memory: bool | None = False,
    ) -> Tensor:
        shape = sizes or (sizes_of(name, sizes, size),)
        tensor = _new(make, self, shape, (), dtype, device, layout)
        return as_asked(tensor, requires_grad, pin_memory)

    new.__name__ = new.__qualname__ = name
    new.__doc__ = doc
    return composite(new)


_of_the_type("new_empty", _empty, "A tensor of this one's type and device, not set.")
_of_the_type("new_zeros", _zeros, "Zeros of this tensor's type and device.")
_of_the_type("new_ones", _ones, "Ones of this tensor's type and device.")


def _new_full(
    self: Tensor,
    size: Sequence[int],
    fill_value: Number,
    *,
    dtype: dtype | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool | None = False,
    layout: layout | None = None,
    pin_memory: bool | None = False,
) -> Tensor:
    """``fill_value`` in a tensor of this one's type and device."""
    value = (number_of_type(fill_value, self._dtype if dtype is None else dtype),)
    tensor = _new(_full, self, (size,), value, dtype, device, layout)
    return as_asked(tensor, requires_grad, pin_memory)


def _new_empty_strided(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: dtype | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool | None = False,
    layout: layout | None = None,
    pin_memory: bool | None = False,
) -> Tensor:
    """A tensor of this one's type and device with the given strides, its elements not set."""
    check_layout(layout)
    shape = check_size("new_empty_strided", read_sizes("new_empty_strided", (size,)))
    strides = read_sizes("new_empty_strided", (stride,), "stride")
    dtype = self._dtype if dtype is None else dtype
    tensor = _strided(shape, strides, dtype, self.device if device is None else device)
    tensor = made_after(tensor, self) if self._key & LIFTED else tensor
    return as_asked(tensor, requires_grad, pin_memory)


for _method in (_new_full, _new_empty_strided):
    _method.__name__ = _method.__name__[1:]
    composite(_method)
