"""Linear and bilinear maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_autograd import rename
from lamella_core.conventions.common import not_implemented_for
from lamella_core.ops.linalg import linear
from lamella_nn.ops.bilinear import bilinear_form

if TYPE_CHECKING:
    from lamella_core import Tensor

__all__ = ["bilinear", "linear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``out[..., o] = sum_{i, j} input1[..., i] weight[o, i, j] input2[..., j] + bias[o]``.

    Args:
        input1: ``(..., in1)``.
        input2: ``(..., in2)``, with the same leading sizes.
        weight: ``(out, in1, in2)``.
        bias: ``(out,)``.

    Raises:
        RuntimeError: when the sizes do not fit.
    """
    lead = input1._array.shape[:-1]
    if input1.ndim != input2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}"
        )
    if lead != input2._array.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(lead)} and "
            f"{list(input2._array.shape[:-1])}"
        )
    out, size1, size2 = weight._array.shape
    for name, tensor, size in (("input1", input1, size1), ("input2", input2, size2)):
        if tensor._array.shape[-1] != size:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got "
                f"{tensor._array.shape[-1]} but expected {size}"
            )
    if bias is not None and bias._array.shape != (out,):
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(bias._array.shape)} but "
            f"expected [{out}]"
        )
    if not input1._dtype is input2._dtype is weight._dtype:
        types = [each._dtype.class_name for each in (input1, input2, weight)]
        raise RuntimeError(
            f"bilinear(): All tensors must have the same dtype, but got {', '.join(types)} for "
            f"input1, input2 and weight; convert with .to()"
        )
    if input1._dtype is core.bool:
        raise not_implemented_for("bilinear", input1._dtype)
    result = bilinear_form(input1.reshape(-1, size1), input2.reshape(-1, size2), weight)
    if bias is not None:
        result = result + bias
    result = result.reshape(*lead, out)
    return result if bias is None else rename(result, "AddBackward0")
