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
        return xp.minimum(input, max, out=out)
    result = xp.maximum(input, min, out=out)
    if max is None:
        return result
    if out is None and result.ndim:
        try:
            return xp.minimum(result, max, out=result)
        except ValueError:
            return xp.minimum(result, max)
    return xp.minimum(result, max, out=out)
