"""Copies on CUDA of arrays that are in order: as one block of memory, and to another floating type
by vectors of four.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import TYPES, each_element

if TYPE_CHECKING:
    from collections.abc import Callable

# Both go by float32, which double is not.
_CAST = "feE"


@cache
def cast_source(to: str) -> str:
    """The kernel that converts to the type of a character."""
    element, _, _, down, header = TYPES[to]
    return (
        (f"#include <{header}>\n" if header else "")
        + f"""
typedef {element} U;
__device__ __forceinline__ U narrowed(A x) {{ return {down}; }}
template <typename E> struct alignas(4 * sizeof(E)) Four {{ E at[4]; }};
extern "C" __global__ void cast(const T *x, U *to, long long count) {{
    bool even = !((size_t)x % sizeof(Four<T>) | (size_t)to % sizeof(Four<U>));
    long long vectors = even ? count / 4 : 0;
    EACH(i, vectors) {{
        const Four<T> given = ((const Four<T> *)x)[i];
        Four<U> result;
        for (int k = 0; k < 4; k++) result.at[k] = narrowed(up(given.at[k]));
        ((Four<U> *)to)[i] = result;
    }}
    EACH(n, count - 4 * vectors) {{
        to[4 * vectors + n] = narrowed(up(x[4 * vectors + n]));
    }}
}}
"""
    )


def clone(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(input: Any, order: Any) -> Any:
        if order.__class__ is not str or not input.size or not input.flags.c_contiguous:
            return below(input, order)
        result = cupy.empty(input.shape, input.dtype)
        result.data.copy_from_device_async(input.data, input.nbytes)
        return result

    return kernel


def to_dtype(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(input: Any, dtype: Any) -> Any:
        given, wanted = input.dtype.char, dtype.numpy.char
        plain = given in _CAST and wanted in _CAST and given != wanted
        if not plain or not input.flags.c_contiguous:
            return below(input, dtype)
        result = cupy.empty(input.shape, dtype.numpy)
        count = input.size
        each_element(cast_source(wanted), "cast", given, -(-count // 4), input, result, count)
        return result

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones."""
    for override in (clone, to_dtype):
        override_kernel(override.__name__, override, "cuda")
