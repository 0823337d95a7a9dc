"""``torch.fake_quantize_*``: numbers rounded as a quantized type would round them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_autograd import Function
from lamella_core.conventions.common import not_implemented_for
from lamella_core.ops.splitting import fill_in_parts

if TYPE_CHECKING:
    from lamella_core import Tensor


# Elements that are compared with the limits at a time.
_PART = 65536


class _FakeQuantize(Function):
    """The gradient goes through rounding as if it were not there, and not through the limits."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int
    ) -> Tensor:
        # By the reciprocal in float32: the last bit decides which way a half is rounded.
        wide = input.to(core.promote_types(input.dtype, core.float32))
        level = (wide * (1.0 / scale)).round_().add_(zero_point)
        if ctx.needs_input_grad[0]:
            within = level.new_empty(level.shape, dtype=core.bool)
            fill_in_parts(
                within.view(-1),
                _PART,
                lambda some: (some >= quant_min).logical_and_(some <= quant_max),
                level.reshape(-1),
            )
            ctx.save_for_backward(within)
        # NaN becomes the lower limit.
        level = (
            level.nan_to_num_(nan=quant_min)
            .clamp_(quant_min, quant_max)
            .sub_(zero_point)
            .mul_(scale)
        )
        return level.to(input.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (within,) = ctx.saved_tensors
        return grads[0] * within, None, None, None, None


def _check(name: str, input: Tensor, quant_min: int, quant_max: int) -> None:
    if not input.is_floating_point():
        raise not_implemented_for(name, input.dtype)
    if quant_min > quant_max:
        raise RuntimeError(
            "`quant_min` should be less than or equal to `quant_max`, but got "
            f"{quant_min} and {quant_max} ({name})"
        )


def fake_quantize_per_tensor_affine(
    input: Tensor,
    scale: float | Tensor,
    zero_point: int | Tensor,
    quant_min: int,
    quant_max: int,
) -> Tensor:
    """``(clamp(round(input / scale) + zero_point, quant_min, quant_max) - zero_point) * scale``.

    Halves are rounded to even. The gradient is 1 within the limits, and 0 beyond them.

    Args:
        input: floating, any shape.
        scale, zero_point: numbers, or tensors of one element.
        quant_min, quant_max: the limits of the quantized type; ``zero_point`` lies between them.

    Raises:
        NotImplementedError: for other types.
        RuntimeError: for limits or a zero point out of order.
    """
    name = "fake_quantize_per_tensor_affine"
    _check(name, input, quant_min, quant_max)
    scale, zero_point = (
        each.detach().reshape(()) if isinstance(each, core.Tensor) else each
        for each in (core.as_tensor(scale, dtype=core.float32), zero_point)
    )
    if not quant_min <= int(zero_point) <= quant_max:
        raise RuntimeError(
            f"`zero_point` must be between `quant_min` and `quant_max`, got {int(zero_point)} "
            f"({name})"
        )
    found: Tensor = _FakeQuantize.apply(input, scale, zero_point, quant_min, quant_max)
    return found


def fake_quantize_per_channel_affine(
    input: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int, quant_max: int
) -> Tensor:
    """As :func:`fake_quantize_per_tensor_affine`, with a scale and a zero point for each index.

    Args:
        input: floating, any shape.
        scale, zero_point: ``(input.shape[axis],)``.
        axis: the dimension that they belong to.
        quant_min, quant_max: the limits of the quantized type.

    Raises:
        NotImplementedError: for other types.
        IndexError: for a dimension that the input has not.
        RuntimeError: for other shapes, and for limits or zero points out of order.
    """
    name = "fake_quantize_per_channel_affine"
    _check(name, input, quant_min, quant_max)
    if not -input.ndim <= axis < input.ndim:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-input.ndim}, "
            f"{input.ndim - 1}], but got {axis}) ({name})"
        )
    size = input.shape[axis]
    if scale.shape != (size,) or zero_point.shape != (size,):
        raise RuntimeError(
            f"dimensions of scale and zero-point are not consistent with input tensor: expected "
            f"({size},), got {tuple(scale.shape)} and {tuple(zero_point.shape)} ({name})"
        )
    if bool((zero_point < quant_min).any()) or bool((zero_point > quant_max).any()):
        raise RuntimeError(f"`zero_point` must be between `quant_min` and `quant_max` ({name})")
    shape = [size if dim == axis % input.ndim else 1 for dim in range(input.ndim)]
    found: Tensor = _FakeQuantize.apply(
        input, scale.detach().view(shape), zero_point.detach().view(shape), quant_min, quant_max
    )
    return found
