"""Cross entropy on the CPU, some rows at a time, spread over threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella_core.dispatch import register_kernel
from lamella_core.parallel import even_step, shares, spread
from lamella_nn.kernels import loss as whole

_BLOCK = 65536
# Below this size, one pass over the whole takes less time than the calls that blocks take.
_SMALL = 131072


def cross_entropy_index(
    input: Any,
    target: Any,
    weight: Any,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Any, Any, Any]:
    picked = None
    if input.size >= _SMALL and ignore_index < 0:
        picked = whole.plain_rows(np, input, target, weight, label_smoothing)
    if picked is None:
        return whole.cross_entropy_index(
            np, input, target, weight, reduction, ignore_index, label_smoothing
        )
    count, classes = input.shape
    dtype = input.dtype
    probabilities = np.empty((count, classes), dtype)
    normalizer, chosen = np.empty((2, count), dtype)
    step = even_step(count, max(1, _BLOCK // classes))

    def run(starts: range) -> None:
        spare = np.empty((step, classes), dtype)
        for start in starts:
            rows = slice(start, start + step)
            scores, exponents = input[rows], probabilities[rows]
            shifted = spare[: len(scores)]
            np.subtract(scores, scores.max(1, keepdims=True), shifted)
            np.take(shifted, picked[rows] - start * classes, None, chosen[rows])
            np.exp(shifted, exponents)
            total = np.add.reduce(exponents, 1, None, normalizer[rows])
            np.divide(exponents, total[:, None], exponents)

    spread(run, shares(count, step))
    total = np.asarray(count, dtype)
    logarithms = np.log(normalizer)
    if reduction == "none":
        return logarithms - chosen, probabilities, total
    loss = np.add.reduce(logarithms) - np.add.reduce(chosen)
    return (loss / count if reduction == "mean" else loss), probabilities, total


register_kernel("cross_entropy_index", cross_entropy_index, "cpu")
