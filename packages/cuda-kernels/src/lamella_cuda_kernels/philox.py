"""The numbers that a CUDA generator gives: Philox 4x32-10 (Salmon et al., 2011) as PyTorch uses it.

A generator is a seed, which is the key, and an offset. A draw of n numbers is shared among T
threads, at most as many as the device holds. Thread t reads the blocks of four words of its own
subsequence, and fills places t, t + T, ... with the numbers in them. So number i is word
``i // T % 4`` of the block that thread ``i % T`` reads in round ``i // 4T``.
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

# ``philox4`` fills ``c``, the counter, with its block. Sine, cosine and tangent of a float are
# CUDA's fast ones, as in cuRAND and PyTorch: others would give other numbers.
SOURCE = """
__device__ void philox4(unsigned int c[4], unsigned long long seed) {
    unsigned int k0 = (unsigned int)seed, k1 = (unsigned int)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        unsigned long long a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        unsigned int x = (unsigned int)(b >> 32) ^ c[1] ^ k0;
        unsigned int z = (unsigned int)(a >> 32) ^ c[3] ^ k1;
        c[0] = x; c[1] = (unsigned int)b; c[2] = z; c[3] = (unsigned int)a;
        k0 += 0x9E3779B9u; k1 += 0xBB67AE85u;
    }
}
__device__ int block_of(unsigned int c[4], unsigned long long i, unsigned long long seed,
                        unsigned long long offset, unsigned long long threads, int each) {
    unsigned long long thread = i % threads, turn = i / threads;
    unsigned long long count = offset / 4 + turn / each;
    c[0] = (unsigned int)count; c[1] = (unsigned int)(count >> 32);
    c[2] = (unsigned int)thread; c[3] = (unsigned int)(thread >> 32);
    philox4(c, seed);
    return (int)(turn % each);
}
__device__ double of_53_bits(unsigned int low, unsigned int high, double scale) {
    unsigned long long whole = low ^ ((unsigned long long)high << 21);
    return whole * (scale * 1.1102230246251565e-16) + scale * 5.551115123125783e-17;
}
__device__ float of_32_bits(unsigned int word, float scale) {
    return word * (scale * 2.3283064e-10f) + scale * 1.1641532e-10f;
}
__device__ float normal_float(const unsigned int c[4], int place) {
    const unsigned int *pair = c + (place & 2);
    float angle = of_32_bits(pair[1], 6.2831855f);
    float size = sqrtf(-2.0f * logf(of_32_bits(pair[0], 1.0f))), sine, cosine;
    __sincosf(angle, &sine, &cosine);
    return size * (place & 1 ? cosine : sine);
}
__device__ float cauchy_float(float number) {
    const float eps = 1.1920929e-7f;
    return __tanf(3.1415927f * (fminf(fmaxf(number, eps), 1.0f - eps) - 0.5f));
}
__device__ double normal_double(const unsigned int c[4], int place) {
    double half_turns = of_53_bits(c[2], c[3], 2.0), sine, cosine;
    double size = sqrt(-2.0 * log(of_53_bits(c[0], c[1], 1.0)));
    sincospi(half_turns, &sine, &cosine);
    return size * (place ? cosine : sine);
}
"""

# For each kind of number: how many come from a block, its type, and the number in C.
KINDS = {
    "bits32": (4, "uint32", "c[w]"),
    "bits64": (2, "uint64", "((unsigned long long)c[2 * w] << 32) | c[2 * w + 1]"),
    "uniform32": (4, "float32", "of_32_bits(c[w], 1.0f)"),
    "uniform64": (2, "float64", "of_53_bits(c[2 * w], c[2 * w + 1], 1.0)"),
    "cauchy32": (4, "float32", "cauchy_float(of_32_bits(c[w], 1.0f))"),
    "normal32": (4, "float32", "normal_float(c, w)"),
    "normal64": (2, "float64", "normal_double(c, w)"),
}
_THREADS_OF_A_BLOCK = 256
_kernels: dict[str, Any] = {}


def _kernel(kind: str) -> Any:
    each, dtype, number = KINDS[kind]
    found = _kernels.get(kind)
    if found is None:
        found = _kernels[kind] = cupy.ElementwiseKernel(
            "uint64 seed, uint64 offset, uint64 threads",
            f"{dtype} number",
            f"unsigned int c[4]; int w = block_of(c, i, seed, offset, threads, {each}); "
            f"number = {number};",
            f"lamella_{kind}",
            preamble=SOURCE,
        )
    return found


def share_out(count: int, each: int) -> tuple[int, int]:
    """Among how many threads a draw is shared, and by how much it moves the offset.

    Args:
        count: of the numbers, at least 1.
        each: how many numbers a block of four words gives.
    """
    found = cupy.cuda.Device().attributes
    held = found["MultiProcessorCount"] * (
        found["MaxThreadsPerMultiProcessor"] // _THREADS_OF_A_BLOCK
    )
    threads = _THREADS_OF_A_BLOCK * min(held, -(-count // _THREADS_OF_A_BLOCK))
    return threads, 4 * -(-count // (threads * each))


def draw(kind: str, shape: Any, seed: int, offset: int) -> tuple[Any, int]:
    """Numbers of a kind on the current device, and the offset after them."""
    numbers = cupy.empty(shape, KINDS[kind][1])
    if not numbers.size:
        return numbers, offset
    threads, moved = share_out(numbers.size, KINDS[kind][0])
    _kernel(kind)(np.uint64(seed), np.uint64(offset), np.uint64(threads), numbers)
    return numbers, offset + moved
