"""Kernels in CUDA C++: each is compiled once for an element type, when it is first called.

Within the source, ``T`` is the element type and ``A`` the type that is computed in: double for
double, otherwise float. ``up`` and ``down`` convert between them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.dispatch import override_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
# Rows shorter than this leave most of a warp idle.
_SHORT = 32
# A device's registers, shared among the 1024 threads that a block may have.
_OPTIONS = ("--maxrregcount=64",)


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
    return cupy.RawKernel(source_for(source, char), name, _OPTIONS)


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


# A block keeps a row in registers: HELD elements in each thread, of which number k is at PLACE(k).
_PLACE = "#define PLACE(k) (threadIdx.x + (k) * blockDim.x)\n"
_MOST_HELD = 16


@cache
def _holding(source: str, count: int) -> str:
    return f"#define HELD {count}\n{_PLACE}{source}"


def can_be_held(length: int) -> bool:
    """Whether a row is of a length that ``each_held_row`` takes."""
    return _SHORT <= length <= _MOST_HELD * 1024


def each_held_row(source: str, name: str, char: str, rows: int, length: int, *args: Any) -> None:
    """Runs a kernel in which a block of threads holds a row of ``length`` elements."""
    source = _holding(source, 4 if length <= 4 * 1024 else _MOST_HELD)
    each_row(source, name, char, rows, length, *args)


# All threads share a flat range, and take 16 bytes at a time where all arrays begin at a multiple.
VECTORS = """
struct alignas(16) Vector { T at[16 / sizeof(T)]; };
#define WIDTH ((int)(16 / sizeof(T)))
"""
_POINTWISE = """
extern "C" __global__ void NAME(POINTERS T *to, NUMBERS long long count) {
    CONSTANTS
    long long vectors = (ADDRESSES (size_t)to) & 15 ? 0 : count / WIDTH;
    EACH(i, vectors) {
        Vector result;
        LOADS
        for (int k = 0; k < WIDTH; k++) {
            VALUES
            result.at[k] = down(FORMULA);
        }
        ((Vector *)to)[i] = result;
    }
    EACH(n, count - vectors * WIDTH) {
        long long i = vectors * WIDTH + n;
        ELEMENTS
        to[i] = down(FORMULA);
    }
}
"""


def vector_source(
    name: str,
    formula: str,
    arrays: Sequence[str],
    numbers: Sequence[str],
    functions: str = "",
    singles: Sequence[str] = (),
) -> str:
    """The source of a kernel ``(*arrays, *singles, to, *numbers, count)`` that writes a formula.

    Args:
        name: the kernel's.
        formula: of the names of arrays, whose elements they stand for, of arrays of one element
            (``singles``), and of numbers.
        functions: source that the formula uses.
    """
    parts = {
        "NAME": name,
        "POINTERS": " ".join(f"const T *all_{each}," for each in (*arrays, *singles)),
        "NUMBERS": " ".join(f"double given_{each}," for each in numbers),
        "CONSTANTS": " ".join(
            (
                *(f"const A {each} = (A)given_{each};" for each in numbers),
                *(f"const A {each} = up(*all_{each});" for each in singles),
            )
        ),
        "ADDRESSES": " ".join(f"(size_t)all_{each} |" for each in arrays),
        "LOADS": " ".join(
            f"const Vector some_{each} = ((const Vector *)all_{each})[i];" for each in arrays
        ),
        "VALUES": " ".join(f"const A {each} = up(some_{each}.at[k]);" for each in arrays),
        "ELEMENTS": " ".join(f"const A {each} = up(all_{each}[i]);" for each in arrays),
        "FORMULA": formula,
    }
    source = _POINTWISE
    for word, text in parts.items():
        source = source.replace(word, text)
    return VECTORS + functions + source


def each_vector(source: str, name: str, dtype: Any, count: int, *args: Any) -> None:
    """Runs a kernel whose threads share ``count`` places, 16 bytes for each."""
    if count:
        blocks = min(-(-count * dtype.itemsize // 4096), _MOST_BLOCKS)
        compiled(source, name, dtype.char)((blocks,), (256,), (*args, count))


# Weights are of the type T or, where ``wide``, of A; a null pointer stands for none.
WEIGHTS = """
__device__ __forceinline__ A weight_at(const void *weights, long long i, long long wide, A none) {
    if (!weights) return none;
    return wide ? ((const A *)weights)[i] : up(((const T *)weights)[i]);
}
"""


def weights_for(array: Any, dtype: Any) -> tuple[Any, int]:
    """Weights as the kernels take them, and whether they are wide."""
    if array is None:
        return 0, 0
    if array.dtype != dtype:
        array = array.astype(computed_type(dtype), copy=False)
    return cupy.ascontiguousarray(array), int(array.dtype != dtype)


# A row is ``length`` elements, of which j is at ``BASE(r) + j * inner``. A block of threads shares
# it, or a thread does it alone; in either case one thread is its LEADER.
_LINES = """
#define ELEMENTS(j) for (long long j = FIRST; j < length; j += STEP)
#define BASE(r) ((r) / inner * length * inner + (r) % inner)
"""
_BY_BLOCK = """
#define ROWS EACH_BLOCK
#define FIRST threadIdx.x
#define STEP blockDim.x
#define LEADER (!threadIdx.x)
#define ALL_SUM block_sum
#define ALL_MAX block_max
#define ALL_BEST best_of_block
"""
_BY_THREAD = """
#define ROWS EACH
#define FIRST 0
#define STEP 1
#define LEADER true
#define ALL_SUM(x) (x)
#define ALL_MAX(x) (x)
#define ALL_BEST(value, place)
"""
# So many rows keep the device busy with a thread for each.
_MANY_ROWS = 4096


class Lines:
    """A source whose kernels go over rows along any dimension, shared out in either way."""

    def __init__(self, source: str) -> None:
        self.by_block = _BY_BLOCK + _LINES + source
        self.by_thread = _BY_THREAD + _LINES + source

    def run(self, name: str, char: str, rows: int, length: int, inner: int, *args: Any) -> None:
        """Runs a kernel whose last arguments are ``rows, length, inner``."""
        args = (*args, rows, length, inner)
        if length >= _SHORT and (inner == 1 or rows < _MANY_ROWS):
            each_row(self.by_block, name, char, rows, length, *args)
        else:
            each_element(self.by_thread, name, char, rows, *args)


def put_over(name: str, override: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Puts a kernel that computes half precision by itself over the one that an op has on CUDA.

    The kernel below, to which it leaves what it does not take, is given float32 for half precision.
    """
    override_kernel(name, lambda below: override(_in_float32(below)), "cuda")


def _in_float32(kernel: Callable[..., Any]) -> Callable[..., Any]:
    def rounding(*args: Any) -> Any:
        halves = [each.dtype for each in args if _is_half(each)]
        if not halves:
            return kernel(*args)
        return rounded(kernel(*[e.astype("f") if _is_half(e) else e for e in args]), halves[0])

    def rounded(result: Any, dtype: Any) -> Any:
        if isinstance(result, tuple):
            return tuple([rounded(each, dtype) for each in result])
        return result.astype(dtype) if result.dtype.char == "f" else result

    return rounding


def _is_half(value: Any) -> bool:
    return isinstance(value, cupy.ndarray) and value.dtype.char in "eE"


def reduced_precision(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a kernel that takes float16 and bfloat16 as they are, and computes in float32."""
    kernel.reduced_precision = True  # type: ignore[attr-defined]
    return kernel
