"""The text of a quantized tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.printing import append_suffixes, format_array, get_printoptions

if TYPE_CHECKING:
    from lamella_core.dtype import dtype
    from lamella_core.tensor import Tensor

_PREFIX = "tensor("


def format_quantized(numbers: Tensor, dtype: dtype, mapping: Any) -> str:
    """The ``repr`` of a quantized tensor.

    Args:
        numbers: what its integers stand for.
    """
    suffixes = [] if numbers.is_cpu else [f"device='{numbers.device}'"]
    suffixes += [
        f"size={tuple(numbers.shape)}",
        f"dtype={dtype!r}",
        f"quantization_scheme={mapping.scheme!r}",
        f"scale={mapping.scale!r}",
        f"zero_point={mapping.zero_point!r}",
    ]
    if mapping.axis is not None:
        suffixes.append(f"axis={mapping.axis}")
    indent = len(_PREFIX)
    text = "[]" if not numbers.numel() else format_array(numbers.cpu().numpy(), indent)
    return append_suffixes(_PREFIX + text, suffixes, indent, get_printoptions()["linewidth"])
