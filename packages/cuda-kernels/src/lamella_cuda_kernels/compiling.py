"""Kernels in CUDA C++: each is compiled once for an element type, when it is first called.

Within the source, ``T`` is the element type and ``A`` the type that is computed in: double for
double, otherwise float. ``up`` and ``down`` convert between them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cupy

if TYPE_CHECKING:
    from collections.abc import Callable

# By the type's character: the element type, the type to compute in, both conversions, a header.
TYPES = {
    "f": ("float", "float", "x", "x", ""),
    "d": ("double", "double", "x", "x", ""),
    "e": ("__half", "float", "__half2float(x)", "__float2half_rn(x)", "cuda_fp16.h"),
    "E": (
        "__nv_bfloat16",
        "float",
        "__bfloat162float(x)",
        "__float2bfloat16_rn(x)",
        "cuda_bf16.h",
    ),
}

# ``EACH``: a loop over a flat range that all threads share. ``block_sum`` and ``block_max`` give
# every thread of a block the sum and the largest of what each brings; blocks are whole warps.
_COMMON = """
#define INF ((A)__int_as_float(0x7f800000))
#define EACH(i, n) for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < (n); \\
                        i += gridDim.x * (long long)blockDim.x)
#define EACH_BLOCK(r, n) for (long long r = blockIdx.x; r < (n); r += gridDim.x)
__device__ __forceinline__ A up(T x) { return UP; }
__device__ __forceinline__ T down(A x) { return DOWN; }
__device__ __forceinline__ A larger(A x, A y) { return x > y ? x : y; }
#define REDUCTION(name, join, neutral)                                  \\
    __device__ A name(A x) {                                            \\
        __shared__ A parts[32];                                         \\
        int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;           \\
        for (int d = 16; d; d >>= 1) { A y = __shfl_xor_sync(0xffffffffu, x, d); x = join; } \\
        if (blockDim.x == 32) return x;                                 \\
        __syncthreads();                                                \\
        if (!lane) parts[warp] = x;                                     \\
        __syncthreads();                                                \\
        x = lane < (blockDim.x >> 5) ? parts[lane] : neutral;           \\
        for (int d = 16; d; d >>= 1) { A y = __shfl_xor_sync(0xffffffffu, x, d); x = join; } \\
        return x;                                                       \\
    }
REDUCTION(block_sum, x + y, (A)0)
REDUCTION(block_max, larger(x, y), -INF)
"""

_MOST_BLOCKS = 1 << 20


def source_for(source: str, char: str) -> str:
    """The whole source for an element type."""
    element, computed, up, down, header = TYPES[char]
    include = f"#include <{header}>\n" if header else ""
    return (
        f"{include}typedef {element} T;\ntypedef {computed} A;\n#define UP {up}\n"
        f"#define DOWN {down}\n{_COMMON}{source}"
    )


@cache
def compiled(source: str, name: str, char: str) -> Any:
    """The kernel of a name, for the element type of a character."""
    return cupy.RawKernel(source_for(source, char), name)


def takes(*arrays: Any) -> bool:
    """Whether the first array's type is one that kernels here are made for, and all agree."""
    first = arrays[0].dtype
    return first.char in TYPES and all(each.dtype == first for each in arrays)


def computed_type(dtype: Any) -> Any:
    """The type that elements of a type are computed in."""
    return cupy.float64 if dtype.char == "d" else cupy.float32


def each_element(source: str, name: str, char: str, count: int, *args: Any) -> None:
    """Runs a kernel whose threads share a flat range of ``count`` places."""
    if count:
        blocks = min(-(-count // 256), _MOST_BLOCKS)
        compiled(source, name, char)((blocks,), (256,), args)


def each_row(source: str, name: str, char: str, rows: int, length: int, *args: Any) -> None:
    """Runs a kernel in which a block of threads takes a row of ``length`` elements."""
    if rows:
        threads = min(1024, max(32, -(-length // 128) * 32))
        compiled(source, name, char)((min(rows, _MOST_BLOCKS),), (threads,), args)


def reduced_precision(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a kernel that takes float16 and bfloat16 as they are, and computes in float32."""
    kernel.reduced_precision = True  # type: ignore[attr-defined]
    return kernel
