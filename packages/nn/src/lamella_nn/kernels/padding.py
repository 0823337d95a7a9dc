"""Array kernels of padding."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel
def constant_pad_nd(xp: Any, input: Any, pad: tuple[int, ...], value: Any) -> Any:
    lead = input.ndim - len(pad) // 2
    shape = list(input.shape)
    source: list[slice] = [slice(None)] * input.ndim
    target: list[slice] = [slice(None)] * input.ndim
    for axis in range(lead, input.ndim):
        place = 2 * (input.ndim - 1 - axis)
        before, behind = pad[place], pad[place + 1]
        size = input.shape[axis]
        shape[axis] = size + before + behind
        source[axis] = slice(max(-before, 0), size - max(-behind, 0))
        target[axis] = slice(max(before, 0), shape[axis] - max(behind, 0))
    result = xp.full(shape, value, dtype=input.dtype)
    result[tuple(target)] = input[tuple(source)]
    return result
