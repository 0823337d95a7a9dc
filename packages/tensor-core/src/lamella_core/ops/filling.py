"""In-place ops that write with a number along a diagonal, or with a Python function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.composite import composite
from lamella_core.ops.creation import arange
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.typing import Number

__all__: list[str] = []


@composite
def fill_diagonal_(input: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """Writes a number to the elements whose indices are all equal.

    Args:
        input: two dimensions or more; of more than two, all of one size.
        fill_value: the number.
        wrap: whether the diagonal of a tall matrix begins anew after each ``columns + 1`` rows.

    Raises:
        RuntimeError: for another shape.
    """
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"fill_diagonal_(): dimensions must larger than 1, got shape {list(shape)}"
        )
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(
            f"fill_diagonal_(): all dimensions of input must be of equal length, got shape "
            f"{list(shape)}"
        )
    count = min(shape)
    places = arange(count, device=input.device)
    input[(places,) * len(shape)] = fill_value
    rows, columns = shape[:2]
    if wrap and len(shape) == 2 and rows > columns + 1:
        places = arange(columns + 1, rows, device=input.device)
        column = places % (columns + 1)
        inside = column < columns
        input[places[inside], column[inside]] = fill_value
    return input


def _on_host(name: str, *tensors: Tensor) -> None:
    for each in tensors:
        if each.device.type != "cpu":
            raise TypeError(
                f"{name} is only implemented on CPU tensors, got a tensor on {each.device}; move "
                f"it with .cpu() first"
            )
        if each.requires_grad:
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
                f"instead."
            )


def _written(input: Tensor, values: list[Any]) -> Tensor:
    return input.copy_(input.new_tensor(values).reshape(input._array.shape))


@composite
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replaces each element by what a Python function makes of it. Slow, and on the CPU only.

    Raises:
        TypeError: for a tensor on another device.
        RuntimeError: for a tensor that requires grad.
    """
    _on_host("apply_", input)
    return _written(input, [callable(each) for each in input.reshape(-1).tolist()])


@composite
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replaces each element by what a Python function makes of it and of the other tensor's.

    Args:
        tensor: of the input's type; broadcast to its shape.

    Raises:
        TypeError: for a tensor on another device, or of another type.
        RuntimeError: for a tensor that requires grad.
    """
    _on_host("map_", input, tensor)
    if tensor._dtype is not input._dtype:
        raise TypeError(
            f"map_(): expected a tensor of type {input._dtype.class_name}, got "
            f"{tensor._dtype.class_name}"
        )
    others = tensor.expand(input._array.shape).reshape(-1).tolist()
    pairs = zip(input.reshape(-1).tolist(), others, strict=True)
    return _written(input, [callable(one, other) for one, other in pairs])
