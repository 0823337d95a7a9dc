"""Dropout on CUDA: one kernel draws, keeps or drops, and writes the result and the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import each_element, reduced_precision, takes
from lamella_cuda_kernels.philox import SOURCE as PHILOX
from lamella_cuda_kernels.random import source_of

if TYPE_CHECKING:
    from collections.abc import Callable

# A thread reads the blocks of four words of its subsequence, as philox.py tells, and fills as many
# neighbouring places with them as PyTorch's vectors have: four, two or one.
SOURCE = (
    PHILOX
    + """
extern "C" __global__ void dropout(const T *x, T *to, T *noise, long long count, double p,
                                   unsigned long long seed, unsigned long long offset,
                                   long long threads, long long blocks, int vector) {
    EACH(i, blocks) {
        unsigned long long turn = i / threads, thread = i - turn * threads;
        unsigned long long number = offset / 4 + turn;
        unsigned int c[4] = {(unsigned int)number, (unsigned int)(number >> 32),
                             (unsigned int)thread, (unsigned int)(thread >> 32)};
        philox4(c, seed);
        float kept = 1 - p;
        A scale = 1 / (A)(1 - p);
        for (int w = 0; w < 4; w++) {
            long long place = thread + (4 / vector * turn + w / vector) * threads;
            place = place * vector + w % vector;
            if (place >= count) break;
            A factor = of_32_bits(c[w], 1.0f) < kept ? scale : 0;
            noise[place] = down(factor);
            to[place] = down(up(x[place]) * factor);
        }
    }
}
"""
)


def dropout_noise(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(input: Any, p: float, generator: Any) -> tuple[Any, Any]:
        if not (takes(input) and input.size):
            return below(input, p, generator)  # type: ignore[no-any-return]
        result, noise = cupy.empty(input.shape, input.dtype), cupy.empty(input.shape, input.dtype)
        input = cupy.ascontiguousarray(input)
        count = input.size
        seed, offset, threads = source_of(generator).reserve(count, 4)
        vector = 1 if count % 2 else 2 if count % 4 else 4
        blocks = threads * -(-count // (4 * threads))
        each_element(
            SOURCE, "dropout", input.dtype.char, blocks,
            input, result, noise, count, float(p), np.uint64(seed), np.uint64(offset),
            threads, blocks, np.int32(vector),
        )  # fmt: skip
        return result, noise

    return kernel


def register() -> None:
    """Puts the kernel over the one of ``random.py``."""
    override_kernel("dropout_noise", dropout_noise, "cuda")
