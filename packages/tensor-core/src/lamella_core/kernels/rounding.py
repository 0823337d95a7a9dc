"""Array kernels of rounding."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from lamella_core.dispatch import namespace_kernels, shared_kernel

namespace_kernels(deg2rad="deg2rad")


@shared_kernel
def rad2deg(xp: Any, input: Any, out: Any = None) -> Any:
    # The namespace's divides rounded numbers, 180 and pi, first.
    return xp.multiply(input, 57.29577951308232, out)


@shared_kernel
def ceil(xp: Any, input: Any, out: Any = None) -> Any:
    return xp.positive(input, out) if input.dtype.kind in "iu" else xp.ceil(input, out)


@shared_kernel
def floor(xp: Any, input: Any, out: Any = None) -> Any:
    return xp.positive(input, out) if input.dtype.kind in "iu" else xp.floor(input, out)


@shared_kernel
def trunc(xp: Any, input: Any, out: Any = None) -> Any:
    return xp.positive(input, out) if input.dtype.kind in "iu" else xp.trunc(input, out)


@shared_kernel
def round(xp: Any, input: Any, decimals: int, out: Any = None) -> Any:
    if decimals.__class__ is not int:
        if isinstance(decimals, bool):
            raise TypeError(f"round: decimals must be int, not {decimals}")
        decimals = index(decimals)
    if input.dtype.kind in "iu":
        if decimals:
            raise NotImplementedError(
                f"round: decimals={decimals} is for floating tensors, not for {input.dtype}; "
                f"convert the input, for example with .to(torch.float64)"
            )
        return xp.positive(input, out)
    if decimals == 0:
        return xp.rint(input, out)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return xp.divide(xp.rint(input * scale), scale, out)
    return xp.multiply(xp.rint(input / scale), scale, out)


@shared_kernel
def frac(xp: Any, input: Any, out: Any = None) -> Any:
    return xp.subtract(input, xp.trunc(input), out)


@shared_kernel
def nan_to_num(xp: Any, input: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    result = input.copy("K")
    if input.dtype.kind in "biu":
        return result
    if input.dtype.kind == "c":
        parts: tuple[Any, ...] = (result.real, result.imag)
        limits = np.finfo(result.real.dtype)
    else:
        parts = (result,)
        limits = _finfo(input.dtype)
    for part in parts:
        part[xp.isnan(part)] = 0 if nan is None else nan
        part[part == xp.inf] = limits.max if posinf is None else posinf
        part[part == -xp.inf] = limits.min if neginf is None else neginf
    return result


def _finfo(dtype: Any) -> Any:
    if dtype.kind == "f":
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)
