"""Reading at places given by indices on CUDA: look-up tables, ``index_select``, ``x[index]``.

One kernel copies and checks: a place that is not there is written down, and read back once.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_core.dispatch import override_kernel
from lamella_cuda_kernels.compiling import each_element, reduced_precision, takes

if TYPE_CHECKING:
    from collections.abc import Callable

# ``x`` is (outer, size, inner), the result (outer, count, inner), in words of 1 to 16 bytes.
SOURCE = """
extern "C" __global__ void take(const W *x, const I *places, W *to, long long *wrong,
                                long long outer, long long size, long long count,
                                long long inner) {
    long long all = outer * count * inner;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < all;
         i += gridDim.x * (long long)blockDim.x) {
        long long row = i, j = 0, n, above = 0;
        if (all >> 32) {
            row = i / inner;
            above = row / count;
        } else {
            row = (unsigned int)i / (unsigned int)inner;
            above = (unsigned int)row / (unsigned int)count;
        }
        j = i - row * inner;
        n = row - above * count;
        long long place = places[n];
        if (place < 0) place += WRAPS * size;
        if (place < 0 || place >= size) {
            *wrong = places[n] ? places[n] : size;
        } else {
            to[i] = x[(above * size + place) * inner + j];
        }
    }
}
"""
_WORDS = {
    16: "struct alignas(16) { unsigned long long parts[2]; }",
    8: "unsigned long long",
    4: "unsigned int",
    2: "unsigned short",
    1: "unsigned char",
}
_INDICES = {"l": "long long", "q": "long long", "i": "int", "h": "short", "b": "signed char",
            "B": "unsigned char"}  # fmt: skip
_THREADS = 256
_MOST_BLOCKS = 1 << 20


@cache
def _kernel(word: int, index: str, wraps: bool) -> Any:
    head = f"typedef {_WORDS[word]} W;\ntypedef {_INDICES[index]} I;\n#define WRAPS {int(wraps)}\n"
    return cupy.RawKernel(head + SOURCE, "take")


def take(array: Any, places: Any, dim: int, wraps: bool, message: Callable[[int], str]) -> Any:
    """The elements of ``array`` at places along a dimension.

    Args:
        array: at least one dimension, and along ``dim`` at least one element.
        places: integers of any shape, which stands for the dimension in the result.
        wraps: whether negative places count from the end.
        message: of the error, from the place that is not there.

    Raises:
        IndexError: when a place is not there.
    """
    shape = array.shape
    result = cupy.empty((*shape[:dim], *places.shape, *shape[dim + 1 :]), array.dtype)
    if not result.size:
        _check(places, shape[dim], wraps, message)
        return result
    array, places = cupy.ascontiguousarray(array), cupy.ascontiguousarray(places)
    row = prod(shape[dim + 1 :]) * array.itemsize
    bits = row | array.data.ptr | 16
    word = bits & -bits
    inner = row // word
    wrong = cupy.zeros((), cupy.int64)
    count = result.nbytes // word
    _kernel(word, places.dtype.char, wraps)(
        (min(-(-count // _THREADS), _MOST_BLOCKS),), (_THREADS,),
        (array, places, result, wrong, prod(shape[:dim]), shape[dim], places.size, inner),
    )  # fmt: skip
    number = int(wrong)
    if number:
        raise IndexError(message(number))
    return result


def _check(places: Any, size: int, wraps: bool, message: Callable[[int], str]) -> None:
    """The check alone, where there is nothing to copy."""
    if places.size:
        low, high = int(places.min()), int(places.max())
        if high >= size or low < (-size if wraps else 0):
            raise IndexError(message(high if high >= size else low))


def _served(array: Any, places: Any, dim: int) -> bool:
    return array.ndim > 0 and array.shape[dim] > 0 and places.dtype.char in _INDICES


def embedding(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(
        weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool, sparse: bool
    ) -> Any:
        if not _served(weight, indices, 0):
            return below(weight, indices, padding_idx, scale_grad_by_freq, sparse)
        rows = weight.shape[0]
        return take(
            weight, indices, 0, False,
            lambda wrong: f"index out of range in self (embedding: index {wrong} for a weight of "
            f"{rows} rows)",
        )  # fmt: skip

    return kernel


# Equal indices stand together in ``keys``; the threads of the first of them add up the rest.
SUMS = """
extern "C" __global__ void sum_of_equals(const T *x, const K *keys, const long long *order, T *to,
                                         long long count, long long width, long long left_out) {
    EACH(i, count * width) {
        long long k = i / width, j = i - k * width;
        K key = keys[k];
        if ((k && keys[k - 1] == key) || key == left_out) continue;
        A sum = 0;
        for (; k < count && keys[k] == key; k++) sum += up(x[order[k] * width + j]);
        to[key * width + j] = down(sum);
    }
}
"""


def embedding_backward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def kernel(
        grad: Any, indices: Any, rows: int, padding_idx: int, scale_grad_by_freq: bool
    ) -> Any:
        if scale_grad_by_freq or not (takes(grad) and grad.size):
            return below(grad, indices, rows, padding_idx, scale_grad_by_freq)
        width = grad.size // indices.size
        total = cupy.zeros((rows, width), grad.dtype)
        narrow = rows < 1 << 31
        keys = indices.reshape(-1).astype(cupy.int32 if narrow else cupy.int64, copy=False)
        order = cupy.argsort(keys, kind="stable")
        each_element(
            f"typedef {'int' if narrow else 'long long'} K;\n{SUMS}", "sum_of_equals",
            grad.dtype.char, grad.size, cupy.ascontiguousarray(grad), keys[order], order, total,
            indices.size, width, int(padding_idx),
        )  # fmt: skip
        return total

    return kernel


def index_select(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(input: Any, dim: int, index: Any) -> Any:
        if not _served(input, index, dim):
            return below(input, dim, index)
        size = input.shape[dim]
        return take(
            input, index.reshape(-1), dim, False,
            lambda wrong: f"index out of range in self (index_select: index {wrong}, dimension "
            f"{dim} has size {size})",
        )  # fmt: skip

    return kernel


def index(below: Callable[..., Any]) -> Callable[..., Any]:
    def kernel(input: Any, indices: Any, dims: tuple[int, ...]) -> Any:
        if len(dims) != 1 or not _served(input, indices[0], dims[0]):
            return below(input, indices, dims)
        (dim,) = dims
        size = input.shape[dim]
        return take(
            input, indices[0], dim, True,
            lambda wrong: f"index {wrong} is out of bounds for dimension {dim} with size {size}",
        )  # fmt: skip

    return kernel


def register() -> None:
    """Puts the kernels over the shared ones."""
    for override in (embedding, embedding_backward, index_select, index):
        override_kernel(override.__name__, override, "cuda")
