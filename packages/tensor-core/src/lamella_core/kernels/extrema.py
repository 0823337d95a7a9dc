"""Array kernels of extrema and clamping."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import namespace_kernels, shared_kernel

namespace_kernels(
    maximum="maximum",
    minimum="minimum",
    fmax="fmax",
    fmin="fmin",
    clamp_min="maximum",
    clamp_max="minimum",
)


@shared_kernel
def clamp(xp: Any, input: Any, min: Any, max: Any, out: Any = None) -> Any:
    if min is None:
        if max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        return xp.minimum(max, input, out=out)
    if out is not None and hasattr(max, "dtype") and xp.may_share_memory(out, max):
        max = max.copy()
    # Of two zeros NumPy takes the second: -0.0 stays.
    result = xp.maximum(min, input, out=out)
    if max is None:
        return result
    if out is None and result.ndim:
        try:
            return xp.minimum(max, result, out=result)
        except ValueError:
            return xp.minimum(max, result)
    return xp.minimum(max, result, out=out)
