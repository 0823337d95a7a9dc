"""Convolutions on CUDA: windows copied to columns by one kernel, then one batched product.

The columns are ``(images, channels * window, places)``, so that the product is the result in its
own order. Those of one and two dimensions are here; the rest is left to the shared kernels, as are
windows of one place, which need no columns, and groups of one channel.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import cupy

from lamella_cuda_kernels.compiling import each_element, put_over, reduced_precision, takes
from lamella_cuda_kernels.products import matmul

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Columns of one launch, in bytes: they are scratch memory.
_SCRATCH = 1 << 28

SOURCE = """
#define SIZES unsigned count, int H, int W, int KH, int KW, int OH, int OW, int SH, int SW, \\
              int PH, int PW, int DH, int DW
extern "C" __global__ void columns(const T *x, T *y, SIZES) {
    EACH(i, count) {
        unsigned rest = i;
        int ox = rest % OW; rest /= OW;
        int oy = rest % OH; rest /= OH;
        int kx = rest % KW; rest /= KW;
        int ky = rest % KH;
        unsigned plane = rest / KH;
        int iy = oy * SH - PH + ky * DH, ix = ox * SW - PW + kx * DW;
        bool inside = iy >= 0 && iy < H && ix >= 0 && ix < W;
        y[i] = inside ? x[((long long)plane * H + iy) * W + ix] : down(0);
    }
}
extern "C" __global__ void images(const T *x, T *y, SIZES) {
    EACH(i, count) {
        unsigned rest = i;
        int ix = rest % W; rest /= W;
        int iy = rest % H;
        unsigned plane = rest / H;
        A total = 0;
        for (int ky = 0; ky < KH; ky++) {
            int fy = iy + PH - ky * DH, oy = fy / SH;
            if (fy < 0 || fy % SH || oy >= OH) continue;
            for (int kx = 0; kx < KW; kx++) {
                int fx = ix + PW - kx * DW, ox = fx / SW;
                if (fx < 0 || fx % SW || ox >= OW) continue;
                total += up(x[((((long long)plane * KH + ky) * KW + kx) * OH + oy) * OW + ox]);
            }
        }
        y[i] = down(total);
    }
}
"""


class _Form:
    """The sizes of a convolution, with a height of 1 where it has one dimension."""

    def __init__(self, sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
        lacking = 2 - len(kernel)
        ones, zeros = (1,) * lacking, (0,) * lacking
        self.sizes, self.kernel = (*ones, *sizes), (*ones, *kernel)
        self.stride, self.dilation = (*ones, *stride), (*ones, *dilation)
        self.padding = (*zeros, *padding)
        self.out = tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(
                self.sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        self.places = prod(self.out)
        self.window = prod(self.kernel)

    def columns(self, images: Any) -> Any:
        """``(images, channels, *sizes)`` to ``(images, channels * window, places)``."""
        batch, channels = images.shape[:2]
        result = cupy.empty((batch, channels * self.window, self.places), images.dtype)
        self._run("columns", cupy.ascontiguousarray(images), result)
        return result

    def images(self, columns: Any, channels: int) -> Any:
        """What columns add to each place of the images; the transpose of ``columns``."""
        result = cupy.empty((len(columns), channels, *self.sizes), columns.dtype)
        self._run("images", columns, result)
        return result

    def _run(self, name: str, given: Any, result: Any) -> None:
        pairs = (self.sizes, self.kernel, self.out, self.stride, self.padding, self.dilation)
        numbers = [cupy.int32(number) for pair in pairs for number in pair]
        count = cupy.uint32(result.size)
        each_element(SOURCE, name, result.dtype.char, result.size, given, result, count, *numbers)

    def elements(self, channels: int) -> int:
        """The most of one image or its columns."""
        return channels * max(self.window * self.places, prod(self.sizes))

    def blocks(self, batch: int, channels: int, itemsize: int) -> Iterator[slice]:
        step = max(1, _SCRATCH // (self.elements(channels) * itemsize))
        for start in range(0, batch, step):
            yield slice(start, start + step)


def _suits(form: _Form, channels: int, groups: int, *arrays: Any) -> bool:
    """Whether there is something to do here, and 32 bits count the elements of an image."""
    return (
        takes(*arrays)
        and all(each.size for each in arrays)
        and form.window > 1
        and groups < channels
        and form.places > 0
        and form.elements(channels) < 2**31
    )


def _forward(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def convolution(
        input: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
    ) -> Any:
        given = (input, weight, bias, stride, padding, dilation, groups)
        if input.ndim > 4:
            return below(*given)
        batch, channels = input.shape[:2]
        form = _Form(input.shape[2:], weight.shape[2:], stride, padding, dilation)
        if not _suits(form, channels, groups, input, weight):
            return below(*given)
        features = len(weight)
        matrix = weight.reshape(groups, features // groups, -1)
        result = cupy.empty((batch, groups, features // groups, form.places), input.dtype)
        images = input.reshape(batch, channels, *form.sizes)
        for part in form.blocks(batch, channels, input.itemsize):
            columns = form.columns(images[part])
            columns = columns.reshape(len(columns), groups, -1, form.places)
            matmul(matrix, columns, result[part])
        result = result.reshape(batch, features, *form.out[4 - input.ndim :])
        if bias is not None:
            result += bias.reshape(-1, *(1,) * (input.ndim - 2))
        return result

    return convolution


def _input_grad(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def convolution_input_grad(
        grad: Any, weight: Any, sizes: Any, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> Any:
        given = (grad, weight, sizes, stride, padding, dilation, groups)
        if grad.ndim > 4:
            return below(*given)
        batch, features = grad.shape[:2]
        channels = weight.shape[1] * groups
        form = _Form(sizes, weight.shape[2:], stride, padding, dilation)
        # A transposed convolution may ask for sizes that leave places at the end uncovered.
        form.out = (*(1,) * (4 - grad.ndim), *grad.shape[2:])
        form.places = prod(form.out)
        if not _suits(form, channels, groups, grad, weight):
            return below(*given)
        matrix = weight.reshape(groups, features // groups, -1).swapaxes(1, 2)
        rows = cupy.ascontiguousarray(grad).reshape(batch, groups, -1, form.places)
        result = cupy.empty((batch, channels, *form.sizes), grad.dtype)
        for part in form.blocks(batch, channels, grad.itemsize):
            columns = matmul(matrix, rows[part])
            result[part] = form.images(columns, channels)
        return result.reshape(batch, channels, *sizes)

    return convolution_input_grad


def _weight_grad(below: Callable[..., Any]) -> Callable[..., Any]:
    @reduced_precision
    def convolution_weight_grad(
        input: Any, grad: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> Any:
        given = (input, grad, kernel, stride, padding, dilation, groups)
        if input.ndim > 4:
            return below(*given)
        batch, channels = input.shape[:2]
        features = grad.shape[1]
        form = _Form(input.shape[2:], kernel, stride, padding, dilation)
        form.out = (*(1,) * (4 - grad.ndim), *grad.shape[2:])
        form.places = prod(form.out)
        if not _suits(form, channels, groups, input, grad):
            return below(*given)
        rows = cupy.ascontiguousarray(grad).reshape(batch, groups, -1, form.places)
        images = input.reshape(batch, channels, *form.sizes)
        total: Any = 0
        for part in form.blocks(batch, channels, input.itemsize):
            columns = form.columns(images[part])
            columns = columns.reshape(len(columns), groups, -1, form.places)
            total = total + matmul(rows[part], columns.swapaxes(2, 3)).sum(0, dtype=_wide(grad))
        shape = (features, channels // groups, *kernel)
        return total.reshape(shape).astype(grad.dtype, copy=False)

    return convolution_weight_grad


def _wide(array: Any) -> Any:
    return "float32" if array.dtype.itemsize == 2 else array.dtype


def register() -> None:
    """Puts the kernels over the shared ones."""
    put_over("convolution", _forward)
    put_over("convolution_input_grad", _input_grad)
    put_over("convolution_weight_grad", _weight_grad)
