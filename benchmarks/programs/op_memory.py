"""What one call of an op allocates beyond its result, by `tracemalloc`: the worst of many ops.

NumPy tells `tracemalloc` of its arrays, PyTorch does not tell of its tensors, so the figure is
lamella's alone; the baseline's is 0. Operands are 8 MB each (two million float32 in most places).

`plain`: pointwise ops, in-place ones, reductions, products, gathering, copies and layers, which are
to need a constant at most: blocks that fit the cache.

`workspace`: ops whose methods need room that grows with the operands, and why:

* `argsort`, `topk` and `median` of one long row: NumPy orders a copy, or the places beside it: 8,
  16 and 8 MB. PyTorch needs 24, 32 and 8.
* `unique`: a sorted copy of 16 MB, and where it changes. PyTorch needs 48 MB. With the places in it
  their order beside that, 32 MB, as PyTorch.
* `cross_entropy`: the probabilities of all classes, which its derivative uses: 8 MB, PyTorch too.
* `ctc_loss`: the logarithms of the probabilities of all beginnings, 13 MB, PyTorch too.
* The mean of a loss of single numbers: the losses, 8 MB, PyTorch too, or 16.
* `dropout` of a tensor that requires a gradient, `dropout` and `rrelu` in place: the noise, for the
  derivative: 8 MB, PyTorch too. `alpha_dropout` in place has two of them, 16 MB, PyTorch too.
* `float_power`: the base in float64, 16 MB. PyTorch needs 32 MB.
* `combinations`: the places of what is chosen, 32 MB. PyTorch needs 68 MB.
* `multinomial` with replacement, of one long row: the cumulative weights, 8 MB, PyTorch too.
* The mean of `scatter_reduce`: how many went to each place, 8 MB. PyTorch needs 9.
* `solve` and `det` of a large matrix: its factors, 4 MB, PyTorch too. `matrix_exp`: its powers in
  double precision, and sums of these, 45 MB. PyTorch needs 49 MB. `lu` of small matrices:
  where their rows go, 1.5 MB. PyTorch needs 1.1 MB.

What PyTorch needs is how far the peak of resident memory (`VmHWM`) rises in the call, less its
result.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from measure import load, read_arguments, report

Calls = dict[str, Callable[[], Any]]


def plain(torch: ModuleType) -> tuple[Calls, Calls]:
    """Calls that give new tensors, and calls that write into one that is there."""
    functional = torch.nn.functional
    x, y, z = (torch.rand(2_000_000) + 0.5 for _ in range(3))
    wide, tall = torch.randn(1000, 2000), torch.randn(2000, 1000)
    rows = torch.randn(1000, 2000)
    mask = x > 1
    places = torch.randint(0, 1000, (1000,))
    square, given = torch.zeros(1000, 1000), torch.zeros(1000, 2000)
    weight, bias = torch.randn(2000, 2000), torch.randn(2000)
    half, brief, double = x.half(), x.bfloat16(), x.double()
    whole, missing = torch.arange(2_000_000), x.masked_fill(mask, float("nan"))
    small = whole.int()
    uniform, numbers = x - 0.5, torch.complex(x[:1_000_000], y[:1_000_000])
    transposed = torch.randn(1000, 2000).t()
    digits = whole % 1000
    counted, order = torch.empty_like(whole), torch.empty_like(whole).view(1000, 2000)
    chosen = torch.empty(1000, 1000, dtype=torch.int64)
    flags, spaced = torch.empty_like(mask), torch.zeros(4_000_000)[::2]
    exponents, found = torch.empty_like(small), torch.empty_like(whole).view(-1, 1)
    gaps = torch.zeros(1000, 4000)[:, ::2]
    batch = tall.view(20, 100, 1000)
    points, crossed = x[:1_999_998].view(-1, 3), torch.zeros(666_666, 3)
    narrow = torch.zeros(1000, 1000, dtype=torch.float16)
    image, kernels = torch.randn(4, 8, 250, 250), torch.randn(8, 8, 3, 3)
    last = image.to(memory_format=torch.channels_last)
    columns = torch.randn(1, 9 * 16, 128 * 128)
    query = torch.randn(8, 8, 256, 64)
    brief_query = query.half()
    classes = torch.randint(0, 8, (4, 250, 250))
    half_image, brief_image = image.half(), image.bfloat16()
    grid = torch.rand(4, 250, 250, 2) * 2 - 1
    forms = torch.randn(50, 100, 100)
    half_last = half_image.to(memory_format=torch.channels_last)
    bytes_image = (image * 60).to(torch.uint8)
    sequence = torch.randn(200, 100, 64)
    recurrent = [each(64, 64).requires_grad_(False) for each in (torch.nn.LSTM, torch.nn.GRU)]

    def gradient(call: Callable[[Any], Any], *inputs: Any) -> Callable[[], Any]:
        leaves = [each.detach().clone().requires_grad_() for each in inputs]
        result = call(*leaves)
        given = torch.ones_like(result)
        return lambda: torch.autograd.grad(result, leaves, given, retain_graph=True)

    labels = torch.full((1000, 2000), -1)
    labels[:, :5] = torch.arange(5)
    big, many = torch.randn(1000, 1000), torch.randn(10_000, 10, 10)
    gaps = torch.randn(1200, 2500)[100:1100, 200:2200]
    few, short = (whole % 200).to(torch.uint8), digits.int()
    new: Calls = {}
    for name in ("add", "mul", "div", "maximum", "atan2", "eq", "lt", "isclose"):
        new[name] = partial(getattr(torch, name), x, y)
    for name in (
        "neg", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "abs", "erf", "round", "sign",
        "frac", "isnan", "nan_to_num",
    ):  # fmt: skip
        new[name] = partial(getattr(torch, name), x)
    for name in ("gelu", "silu", "softplus", "elu", "leaky_relu", "hardtanh", "mish", "logsigmoid"):
        new[name] = partial(getattr(functional, name), x)
    new |= {
        "add with alpha": lambda: torch.add(x, y, alpha=2),
        "pow": lambda: x**2,
        "remainder": lambda: x % 2,
        "clamp": lambda: x.clamp(-1, 1),
        "addcmul": lambda: torch.addcmul(x, y, z),
        "addcdiv": lambda: torch.addcdiv(x, y, z),
        "lerp": lambda: torch.lerp(x, y, 0.5),
        "of a transpose": lambda: functional.softplus(wide.t()),
        "of a row": lambda: torch.lerp(wide, bias, 0.5),
        "where": lambda: torch.where(mask, x, y),
        "masked_fill": lambda: x.masked_fill(mask, 0.0),
        "sum": lambda: x.sum(),
        "sum, first dimension": lambda: wide.sum(0),
        "mean": lambda: wide.mean(1),
        "var": lambda: x.var(),
        "std, first dimension": lambda: wide.std(0),
        "max": lambda: wide.max(1),
        "argmax": lambda: wide.argmax(1),
        "norm": lambda: x.norm(),
        "logsumexp": lambda: wide.logsumexp(1),
        "matmul": lambda: wide @ tall,
        "matmul of a transpose": lambda: wide @ wide.t(),
        "matmul with gaps": lambda: gaps @ tall,
        "linear with gaps": lambda: functional.linear(gaps, gaps),
        "matrix times vector, with gaps": lambda: gaps @ bias,
        "softmax": lambda: wide.softmax(1),
        "log_softmax": lambda: wide.log_softmax(1),
        "cat": lambda: torch.cat((x, y)),
        "stack": lambda: torch.stack((x, y)),
        "index_select": lambda: wide.index_select(0, places),
        "index_select of a transpose": lambda: tall.t().index_select(0, places),
        "index_select of channels": lambda: last.index_select(1, places[:8] % 8),
        "x[places] of a permuted tensor": lambda: x.view(20, 100, 1000).permute(2, 1, 0)[places],
        "x[places] with gaps": lambda: gaps[places],
        "x[:, places] with gaps": lambda: gaps[:, places],
        "x[:, mask of columns]": lambda: wide[:, bias > 0],
        "take from a transpose": lambda: wide.t().take(whole[:1000]),
        "repeat of a transpose": lambda: wide.t().repeat(2, 1),
        "repeat_interleave of a transpose": lambda: wide.t().repeat_interleave(2, 0),
        "x[mask]": lambda: x[mask],
        "x[places]": lambda: wide[places],
        "gather": lambda: wide.gather(0, places[None].expand(1000, 1000)),
        "cumsum": lambda: x.cumsum(0),
        "cumsum of float16": lambda: half.cumsum(0),
        "cumsum of a transpose": lambda: wide.t().cumsum(0),
        "cummax": lambda: wide.cummax(1),
        "cummin of one row": lambda: x.cummin(0),
        "cummax of a few long rows": lambda: x.view(4, 500_000).cummax(0),
        "cummax of channels": lambda: last.cummax(0),
        "sort": lambda: wide.sort(1),
        "sort of a transpose": lambda: wide.t().sort(0),
        "sort of bfloat16": lambda: brief.view(1000, 2000).sort(1),
        "histc": lambda: x.histc(50),
        "bincount of uint8": lambda: few.bincount(),
        "bincount of int32": lambda: short.bincount(),
        "bincount to many bins": lambda: small.bincount(),
        "histogramdd": lambda: torch.histogramdd(x.view(-1, 2), [10, 10]),
        "bucketize of float16": lambda: torch.bucketize(half, half[:100].sort()[0]),
        "vdot": lambda: torch.vdot(numbers, numbers),
        "addr of float16 with factors": lambda: torch.addr(
            half.view(1000, 2000), half[:1000], half[:2000], beta=2, alpha=3
        ),
        "addbmm": lambda: torch.addbmm(
            double[:1_000_000].view(1000, 1000),
            double[:1_000_000].view(100, 1000, 10)[:10],
            double[:100_000].view(10, 10, 1000),
        ),
        "logcumsumexp of a transpose": lambda: wide.t().logcumsumexp(1),
        "isin of int32": lambda: torch.isin(short, short[:10]),
        "sum of float16 over its dimension": lambda: half.sum(0),
        "baddbmm of float16": lambda: torch.baddbmm(
            half.view(50, 200, 200),
            half[:100_000].view(50, 200, 10),
            half[:100_000].view(50, 10, 200),
        ),
        "tile of a transpose": lambda: wide.t().tile(2),
        "ifft of real numbers": lambda: torch.fft.ifft(wide),
        "linear of a permuted tensor": lambda: functional.linear(
            x.view(20, 100, 1000).permute(2, 0, 1), wide[:20, :100]
        ),
        "bucketize to int32": lambda: torch.bucketize(x, bias[:100], out_int32=True),
        "histogram": lambda: torch.histogram(x, 50),
        "bincount with weights": lambda: digits.bincount(x),
        "trapezoid": lambda: torch.trapezoid(x),
        "flip": lambda: x.flip(0),
        "roll": lambda: x.roll(1),
        "linear": lambda: functional.linear(wide, weight, bias),
        "layer_norm": lambda: functional.layer_norm(wide, (2000,), bias, bias),
        "embedding": lambda: functional.embedding(places, wide),
        "clone": lambda: x.clone(),
        "transpose and contiguous": lambda: wide.t().contiguous(),
        "to float64": lambda: x.double(),
        "rand": lambda: torch.rand(2_000_000),
        "randn": lambda: torch.randn(2_000_000),
        "arange": lambda: torch.arange(2_000_000),
        "integers plus floats": lambda: whole + x,
        "integers plus a float": lambda: whole + 1.5,
        "a number less integers": lambda: 2.5 - small,
        "float64 times float32": lambda: double * x,
        "integers against floats": lambda: whole < x,
        "integers against a float": lambda: whole > 1.5,
        "exp of integers": lambda: whole.exp(),
        "sigmoid of float16": lambda: half.sigmoid(),
        "tanh of bfloat16": lambda: brief.tanh(),
        "float16 times a number": lambda: half * 2.5,
        "bfloat16 plus float32": lambda: brief + x,
        "lerp of float16": lambda: torch.lerp(half, half, 0.5),
        "clamp of float16": lambda: half.clamp(0, 1),
        "clamp by tensors": lambda: x.clamp(y, z),
        "isclose of float16": lambda: torch.isclose(half, half),
        "masked_fill by a row": lambda: wide.masked_fill(bias > 0, 0.0),
        "addcmul of a row": lambda: torch.addcmul(wide, bias, bias),
        "sum of float16": lambda: half.sum(),
        "sum of an expanded row": lambda: bias.expand(1000, 2000).sum(),
        "mean of a permuted float16": lambda: half.view(20, 100, 1000).permute(2, 0, 1).mean(),
        "var_mean of float16": lambda: torch.var_mean(half),
        "logsumexp of all": lambda: wide.logsumexp((0, 1)),
        "logsumexp of all, float16": lambda: half.view(1000, 2000).logsumexp((0, 1)),
        "argmax with gaps": lambda: gaps.argmax(),
        "argmax of rows with gaps": lambda: gaps.argmax(1),
        "argmax of channels": lambda: last.argmax(),
        "nonzero of channels": lambda: last.nonzero(),
        "sum of bfloat16, first dimension": lambda: brief.view(1000, 2000).sum(0),
        "sum of int32": lambda: small.sum(),
        "prod of float16": lambda: half.prod(),
        "amax of float16": lambda: half.view(1000, 2000).amax(1),
        "mean of float16": lambda: half.view(1000, 2000).mean(1),
        "nansum": lambda: missing.nansum(),
        "nansum, first dimension": lambda: missing.view(1000, 2000).nansum(0),
        "count_nonzero": lambda: x.count_nonzero(),
        "var of float16": lambda: half.var(),
        "std of bfloat16, rows": lambda: brief.view(1000, 2000).std(1),
        "argmax of float16": lambda: half.argmax(),
        "max of bfloat16, rows": lambda: brief.view(1000, 2000).max(1),
        "topk of float16": lambda: half.view(1000, 2000).topk(5, 1),
        "norm of float16": lambda: half.norm(),
        "norm of order 0": lambda: x.norm(0),
        "norm of a matrix": lambda: torch.linalg.matrix_norm(wide),
        "argmax, first dimension": lambda: wide.argmax(0),
        "max, first dimension": lambda: wide.max(0),
        "topk": lambda: wide.topk(5, 1),
        "median of rows": lambda: wide.median(1),
        "kthvalue": lambda: wide.kthvalue(5, 0),
        "mode": lambda: wide.mode(1),
        "norm of order 1": lambda: x.norm(1),
        "norm of order 3, rows": lambda: wide.norm(3, 1),
        "randperm": lambda: torch.randperm(2_000_000),
        "where of mixed types": lambda: torch.where(mask, x, double),
        "add of integers, with alpha": lambda: torch.add(whole, whole, alpha=2),
        "sum of every second element": lambda: given[:, ::2].sum(),
        "var of every second element": lambda: given[:, ::2].var(),
        "norm of a permuted tensor": lambda: x.view(20, 100, 1000).permute(2, 0, 1).norm(),
        "var of float16 over all dimensions": lambda: half.view(1000, 2000).var((0, 1)),
        "addmm": lambda: torch.addmm(square, wide, tall, beta=2, alpha=3),
        "addmm of a row": lambda: torch.addmm(bias[:1000], wide, tall),
        "addr": lambda: torch.addr(wide, bias[:1000], bias, beta=2),
        "polar": lambda: torch.polar(x, y),
        "vander": lambda: torch.vander(bias, 1000),
        "cross of integers": lambda: torch.cross(
            whole[:1_999_998].view(-1, 3), whole[:1_999_998].view(-1, 3), 1
        ),
        "matrix times vector of float16": lambda: half.view(1000, 2000) @ half[:2000],
        "dot of bfloat16": lambda: brief @ brief,
        "batched product of float16": lambda: half.view(50, 20, 2000) @ half.view(50, 2000, 20),
        "linear of float16, few rows": lambda: functional.linear(
            half[:16_000].view(8, 2000), half.view(1000, 2000)
        ),
        "add of mixed types, with alpha": lambda: torch.add(whole, x, alpha=2),
        "a number over x": lambda: 2.5 / x,
        "poisson": lambda: torch.poisson(x[:200_000]),
        "multinomial": lambda: torch.multinomial(x, 100),
        "multinomial of rows": lambda: torch.multinomial(x.view(1000, 2000), 10),
        "bernoulli": lambda: torch.bernoulli(uniform),
        "normal of tensors": lambda: torch.normal(x, y),
        "randn_like of a transpose": lambda: torch.randn_like(wide.t()),
        "arange of float32": lambda: torch.arange(2e6),
        "arange of int32": lambda: torch.arange(2_000_000, dtype=torch.int32),
        "linspace": lambda: torch.linspace(0, 1, 2_000_000),
        "logspace": lambda: torch.logspace(0, 1, 2_000_000),
        "tril_indices": lambda: torch.tril_indices(1000, 1000),
        "tril": lambda: wide.tril(),
        "roll of two dimensions": lambda: wide.roll((1, 2), (0, 1)),
        "cat of mixed types": lambda: torch.cat((x, whole)),
        "cartesian_prod": lambda: torch.cartesian_prod(bias, bias[:500]),
        "fft": lambda: torch.fft.fft(numbers),
        "fft of a real input": lambda: torch.fft.fft(x),
        "fft2": lambda: torch.fft.fft2(numbers.view(1000, 1000)),
        "rfft": lambda: torch.fft.rfft(x),
        "cross": lambda: torch.cross(x[:1_999_998].view(-1, 3), y[:1_999_998].view(-1, 3), 1),
        "Euclidean cdist": lambda: torch.cdist(wide, wide),
        "cdist of order 1": lambda: torch.cdist(wide[:, :50], wide[:, :50], 1),
        "pdist": lambda: functional.pdist(wide[:, :50]),
        "nonzero": lambda: mask.view(1000, 2000).nonzero(),
        "put": lambda: x.put(whole[:1_000_000], y[:1_000_000]),
        "index_add with alpha": lambda: wide.index_add(0, places, rows, alpha=2),
        "index_reduce": lambda: wide.index_reduce(0, places, rows, "mean"),
        "dropout": lambda: functional.dropout(x, 0.5),
        "conv2d": lambda: functional.conv2d(image, kernels, padding=1),
        "softmax of float16": lambda: half.view(1000, 2000).softmax(1),
        "log_softmax, first dimension": lambda: wide.log_softmax(0),
        "log_softmax of bfloat16": lambda: brief.view(1000, 2000).log_softmax(1),
        "layer_norm of float16": lambda: functional.layer_norm(half.view(1000, 2000), (2000,)),
        "batch_norm of a matrix": lambda: functional.batch_norm(wide, None, None, training=True),
        "batch_norm of given statistics": lambda: functional.batch_norm(wide, bias, bias.exp()),
        "mse_loss of each": lambda: functional.mse_loss(x, y, reduction="none"),
        "smooth_l1_loss of each": lambda: functional.smooth_l1_loss(x, y, reduction="none"),
        "max_pool2d of float16": lambda: functional.max_pool2d(half.view(4, 8, 250, 250), 2),
        "embedding_bag": lambda: functional.embedding_bag(places.view(50, 20), wide),
        "conv2d of channels-last": lambda: functional.conv2d(last, kernels, padding=1),
        "conv2d of one place, channels-last": lambda: functional.conv2d(last, kernels[..., :1, :1]),
        "conv2d of each channel": lambda: functional.conv2d(
            image, kernels[:, :1], padding=1, groups=8
        ),
        "conv2d of float16": lambda: functional.conv2d(half_image, kernels.half(), padding=1),
        "conv_transpose2d of bfloat16": lambda: functional.conv_transpose2d(
            brief_image, kernels.bfloat16()
        ),
        "nll_loss of images": lambda: functional.nll_loss(image, classes),
        "gradient of nll_loss of images": gradient(
            lambda a: functional.nll_loss(a, classes), image
        ),
        "one_hot": lambda: functional.one_hot(places, 1000),
        "conv2d of each channel of large images": lambda: functional.conv2d(
            x.view(1, 2, 1000, 1000), kernels[:2, :1], padding=1, groups=2
        ),
        "conv_transpose2d": lambda: functional.conv_transpose2d(last, kernels),
        "unfold of padded images": lambda: functional.unfold(image, 3, padding=1, stride=2),
        "fold": lambda: functional.fold(columns, 130, 3),
        "attention": lambda: functional.scaled_dot_product_attention(query, query, query),
        "attention of float16": lambda: functional.scaled_dot_product_attention(
            brief_query, brief_query, brief_query
        ),
        "conv2d of stride 2": lambda: functional.conv2d(image, kernels, stride=2),
        "max_pool2d": lambda: functional.max_pool2d(image, 2),
        "pad by reflection": lambda: functional.pad(image, (1, 1, 1, 1), "reflect"),
        "pad by the edge": lambda: functional.pad(image, (1, 1, 1, 1), "replicate"),
        "pad around": lambda: functional.pad(image, (1, 1, 1, 1), "circular"),
        "multi_margin_loss": lambda: functional.multi_margin_loss(wide, places),
        "multilabel_margin_loss": lambda: functional.multilabel_margin_loss(wide, labels),
        "group_norm": lambda: functional.group_norm(image, 2, bias[:8], bias[:8]),
        "instance_norm": lambda: functional.instance_norm(image),
        "interpolate, nearest": lambda: functional.interpolate(image[:, :2], scale_factor=2),
        "interpolate, bilinear": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="bilinear"
        ),
        "interpolate, bicubic": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="bicubic"
        ),
        "interpolate, area": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="area"
        ),
        "interpolate, area of channels-last": lambda: functional.interpolate(
            last, size=(200, 190), mode="area"
        ),
        "interpolate, antialiased": lambda: functional.interpolate(
            image, scale_factor=0.5, mode="bilinear", antialias=True
        ),
        "interpolate of bytes": lambda: functional.interpolate(
            bytes_image, scale_factor=2, mode="bilinear"
        ),
        "interpolate of one row": lambda: functional.interpolate(
            x[None, None, :1_000_000], scale_factor=2, mode="linear"
        ),
        "adaptive_avg_pool2d to many places": lambda: functional.adaptive_avg_pool2d(image, 100),
        "gradient of interpolate, area": gradient(
            lambda a: functional.interpolate(a, size=(200, 190), mode="area"), image
        ),
        "gradient of interpolate, antialiased": gradient(
            lambda a: functional.interpolate(a, scale_factor=0.5, mode="bilinear", antialias=True),
            image,
        ),
        "bilinear": lambda: functional.bilinear(wide[:, :100], wide[:, 100:200], forms),
        "gradient of bilinear": gradient(
            lambda a: functional.bilinear(wide[:, :100], wide[:, 100:200], a), forms
        ),
        "pixel_shuffle, channels last": lambda: functional.pixel_shuffle(last, 2),
        "channel_shuffle, channels last": lambda: functional.channel_shuffle(last, 2),
        "grid_sample of a transpose": lambda: functional.grid_sample(
            image.mT, grid, "nearest", align_corners=False
        ),
        "glu": lambda: functional.glu(wide),
        "max_pool2d, channels last": lambda: functional.max_pool2d(last, 3, 1, 1),
        "max_pool2d of one image": lambda: functional.max_pool2d(x.view(1, 1, 1000, 2000), 3, 1, 1),
        "places of max_pool2d": lambda: functional.max_pool2d(image, 2, return_indices=True),
        "avg_pool2d of float16": lambda: functional.avg_pool2d(half_image, 3, 1, 1),
        "avg_pool2d, channels last": lambda: functional.avg_pool2d(last, 2),
        "avg_pool3d": lambda: functional.avg_pool3d(image[None], 3, 1, 1),
        "adaptive_avg_pool2d of float16": lambda: functional.adaptive_avg_pool2d(half_image, 7),
        "adaptive_max_pool2d of float16": lambda: functional.adaptive_max_pool2d(half_image, 7),
        "fractional_max_pool2d": lambda: functional.fractional_max_pool2d(
            image, 2, output_size=120, return_indices=True
        ),
        "rms_norm of bfloat16": lambda: functional.rms_norm(brief.view(1000, 2000), (2000,)),
        "local_response_norm": lambda: functional.local_response_norm(image, 3),
        "batch_norm of float16, given statistics": lambda: functional.batch_norm(
            half_image, bias[:8], bias[:8].exp()
        ),
        "batch_norm of float16": lambda: functional.batch_norm(
            half_image, None, None, training=True
        ),
        "batch_norm of a transpose": lambda: functional.batch_norm(
            image.mT, None, None, training=True
        ),
        "batch_norm of a transpose, given statistics": lambda: functional.batch_norm(
            image.mT, bias[:8], bias[:8].exp()
        ),
        "group_norm of float16, channels-last": lambda: functional.group_norm(half_last, 2),
        "lstm": lambda: recurrent[0](sequence),
        "gru": lambda: recurrent[1](sequence),
        "gradient of batch_norm of float16": gradient(
            lambda a: functional.batch_norm(a, None, None, training=True), half_image
        ),
        "gradient of batch_norm of float16, given statistics": gradient(
            lambda a: functional.batch_norm(a, bias[:8], bias[:8].exp()), half_image
        ),
        "gradient of group_norm of float16": gradient(
            lambda a: functional.group_norm(a, 2), half_image
        ),
        "gradient of conv2d of float16": gradient(
            lambda a, b: functional.conv2d(a, b, padding=1), half_image, kernels.half()
        ),
        "gradient of conv2d of each channel": gradient(
            lambda a, b: functional.conv2d(a, b, padding=1, groups=8), image, kernels[:, :1]
        ),
        "gradient of max_pool2d": gradient(lambda a: functional.max_pool2d(a, 2), image),
        "gradient of max_pool2d, channels last": gradient(
            lambda a: functional.max_pool2d(a, 3, 2, 1), last
        ),
        "gradient of avg_pool2d": gradient(lambda a: functional.avg_pool2d(a, 2), last),
        "gradient of adaptive_avg_pool2d": gradient(
            lambda a: functional.adaptive_avg_pool2d(a, 10), image
        ),
        "gradient of embedding": gradient(
            lambda a: functional.embedding(places, a, padding_idx=3), wide
        ),
        "gradient of embedding_bag": gradient(
            lambda a: functional.embedding_bag(places.view(50, 20), a), wide
        ),
        "gradient of logsigmoid": gradient(functional.logsigmoid, x),
        "gradient of as_strided": gradient(lambda a: a.as_strided((1000, 1000), (2000, 2)), wide),
        "gradient of imag": gradient(lambda a: a.imag, numbers),
        "gradient of repeat": gradient(lambda a: a.repeat(2, 2), big),
        "gradient of slice_scatter": gradient(
            lambda a, b: a.slice_scatter(b, 0, 0, 500), wide, rows[:500]
        ),
        "gradient of index_add": gradient(lambda a, b: a.index_add(0, places, b), wide, rows),
        "gradient of irfft": gradient(torch.fft.irfft, numbers.view(1000, 1000)),
        "gradient of gelu of a transpose": gradient(functional.gelu, wide.t()),
        "gradient of a complex product": gradient(torch.mul, numbers, numbers),
        "gradient of a weighted binary_cross_entropy": gradient(
            lambda a: functional.binary_cross_entropy_with_logits(a, y, weight=z), x
        ),
        "gradient of cross": gradient(
            partial(torch.linalg.cross, dim=-1),
            x[:1_999_998].view(-1, 3),
            y[:1_999_998].view(-1, 3),
        ),
        "gradient of a slope": gradient(functional.leaky_relu, x),
        "hann_window": lambda: torch.hann_window(2_000_000),
        "blackman_window": lambda: torch.blackman_window(2_000_000),
    }
    linalg = torch.linalg
    for kind, a in (("matrix", big), ("small matrices", many)):
        definite = a @ a.mT + torch.eye(a.shape[-1])
        factors = linalg.lu_factor(a)
        new |= {
            f"cholesky, {kind}": partial(linalg.cholesky, definite),
            f"qr, {kind}": partial(linalg.qr, a),
            f"geqrf, {kind}": partial(torch.geqrf, a),
            f"lu_factor, {kind}": partial(linalg.lu_factor, a),
            f"lu_solve, {kind}": partial(linalg.lu_solve, *factors, a),
            f"ldl_factor, {kind}": partial(linalg.ldl_factor, definite),
            f"solve_triangular, {kind}": partial(
                linalg.solve_triangular, definite, a, upper=True, left=False
            ),
            f"cholesky_solve, {kind}": partial(torch.cholesky_solve, a, definite),
            f"cholesky_inverse, {kind}": partial(torch.cholesky_inverse, definite),
            f"inv, {kind}": partial(linalg.inv, a),
        }
    new |= {
        "householder_product, small matrices": lambda: linalg.householder_product(many, many[:, 0]),
        "lu, matrix": lambda: linalg.lu(big),
        "solve, small matrices": lambda: linalg.solve(many, many),
        "slogdet, small matrices": lambda: linalg.slogdet(many),
        "eigh, small matrices": lambda: linalg.eigh(many),
        "svd, small matrices": lambda: linalg.svd(many),
        "svd, all columns": lambda: linalg.svd(big[:, :40]),
    }
    inside: Calls = {
        "add_": lambda: x.add_(y),
        "add_ with alpha": lambda: x.add_(y, alpha=0.001),
        "mul_": lambda: x.mul_(1.5),
        "addcmul_": lambda: x.addcmul_(y, z, value=0.001),
        "addcdiv_": lambda: x.addcdiv_(y, z, value=0.001),
        "lerp_": lambda: x.lerp_(y, 0.01),
        "clamp_": lambda: x.clamp_(0.1, 9),
        "sqrt_": lambda: x.sqrt_(),
        "copy_": lambda: z.copy_(x),
        "fill_": lambda: z.fill_(1),
        "masked_fill_": lambda: z.masked_fill_(mask, 0.5),
        "x[mask] = number": lambda: z.__setitem__(mask, 0.5),
        "add_ of integers": lambda: z.add_(whole),
        "mul_ of float64": lambda: z.mul_(double),
        "add_ of a row": lambda: wide.add_(bias, alpha=0.001),
        "float16 mul_": lambda: half.mul_(1.0),
        "inv into a tensor": lambda: torch.linalg.inv(big, out=square),
        "add into float64": lambda: torch.add(x, y, out=double),
        "matmul into a tensor": lambda: torch.matmul(wide, tall, out=square),
        "cat into a tensor": lambda: torch.cat((rows[:500], wide[500:]), out=given),
        "where into a tensor": lambda: torch.where(mask, x, y, out=z),
        "gather into a tensor": lambda: torch.gather(
            wide, 0, places[None].expand(1000, 1000), out=square
        ),
        "index_select into a tensor": lambda: torch.index_select(wide, 0, places, out=given),
        "take into a tensor": lambda: torch.take(x, whole, out=z),
        "cumsum into a tensor": lambda: torch.cumsum(x, 0, out=z),
        "softmax into a tensor": lambda: torch.softmax(wide, 1, out=given),
        "sort into tensors": lambda: torch.sort(wide, 1, out=(given, order)),
        "sum into a tensor": lambda: torch.sum(x.view(2, 1000, 1000), 0, out=square),
        "max into tensors": lambda: torch.max(wide.view(2, 1000, 1000), 0, out=(square, chosen)),
        "addmm into a tensor": lambda: torch.addmm(bias[:1000], wide, tall, out=square),
        "tril into a tensor": lambda: torch.tril(wide, out=given),
        "index_add into a tensor": lambda: torch.index_add(wide, 0, places, rows, out=given),
        "arange into a tensor": lambda: torch.arange(2_000_000, out=counted),
        "outer into a tensor": lambda: torch.outer(x[:1000], y[:2000], out=given),
        "renorm into a tensor": lambda: torch.renorm(wide, 2, 0, 1.0, out=given),
        "frexp into tensors": lambda: torch.frexp(x, out=(z, exponents)),
        "renorm in place": lambda: rows.renorm_(2, 0, 40.0),
        "addr in place": lambda: given.addr_(x[:1000], x[:2000], beta=0.5),
        "addmm in place": lambda: square.addmm_(wide, tall),
        "addbmm in place": lambda: square.addbmm_(wide.view(1000, 20, 100).transpose(0, 1), batch),
        "cross into a tensor": lambda: torch.cross(points, points, dim=1, out=crossed),
        "kron into a tensor": lambda: torch.kron(wide[:25, :50], wide[:40, :40], out=given),
        "randperm into a tensor": lambda: torch.randperm(2_000_000, out=counted),
        "cumsum in place": lambda: spaced.cumsum_(0).zero_(),
        "take into every second place": lambda: torch.take(x, digits, out=spaced),
        "index_select into gaps": lambda: torch.index_select(wide, 0, places, out=gaps),
        "nonzero_static": lambda: torch.nonzero_static(mask, size=2_000_000, out=found),
        "fftfreq into a tensor": lambda: torch.fft.fftfreq(2_000_000, out=z),
        "eye into a tensor": lambda: torch.eye(1000, 2000, out=given),
        "diff into a tensor": lambda: torch.diff(z.view(1000, 2000), dim=0, out=given[1:]),
        "isin into a tensor": lambda: torch.isin(x, y[:1000], out=flags),
        "bucketize into a tensor": lambda: torch.bucketize(x, y[:1000].sort()[0], out=counted),
        "permute_copy into a tensor": lambda: torch.permute_copy(transposed, (1, 0), out=given),
        "sum of float16 into a tensor": lambda: torch.sum(half.view(2, 1000, 1000), 0, out=narrow),
        "where into every second place": lambda: torch.where(mask, x, y, out=spaced),
        "zeros into a tensor": lambda: torch.zeros(2_000_000, out=z),
        "bernoulli_": lambda: z.bernoulli_(0.5),
        "exponential_": lambda: z.exponential_(),
        "cauchy_": lambda: z.cauchy_(),
        "geometric_": lambda: z.geometric_(0.5),
        "random_": lambda: z.random_(),
        "log_normal_": lambda: z.log_normal_(),
        "normal_ of a transpose": lambda: transposed.normal_(),
        "bernoulli_ of a tensor": lambda: z.bernoulli_(uniform),
        "put_ and add": lambda: z.put_(whole[:1_000_000], y[:1_000_000], True),
        "index_add_": lambda: wide.index_add_(0, places, rows),
        "index_copy_": lambda: wide.index_copy_(0, whole[:1000], rows),
        "uniform_": lambda: z.uniform_(),
        "dropout2d in place": lambda: functional.dropout2d(image, 0.5, inplace=True),
        "feature_alpha_dropout in place": lambda: functional.feature_alpha_dropout(
            image, 0.5, True, inplace=True
        ),
        "normal_": lambda: z.normal_(),
    }
    return new, inside


def workspace(torch: ModuleType) -> tuple[Calls, Calls]:
    """As :func:`plain`."""
    functional = torch.nn.functional
    x, wide = torch.rand(2_000_000), torch.randn(1000, 2000)
    y, weight, half = torch.rand(2_000_000), torch.rand(2000), wide.half()
    whole = torch.arange(2_000_000)
    learned = x.clone().requires_grad_()
    spoken = torch.randn(500, 32, 50).log_softmax(2)
    matrix, many = torch.randn(1000, 1000) / 100, torch.randn(10_000, 10, 10)
    places_of_all = whole[:1_000_000]
    places = torch.randint(0, 1000, (1000,))
    new: Calls = {
        "argsort": lambda: x.argsort(),
        "topk of one row": lambda: x.topk(100),
        "median of one row": lambda: x.median(),
        "unique": lambda: whole.unique(),
        "unique with inverse": lambda: whole.unique(return_inverse=True),
        "cross_entropy": lambda: functional.cross_entropy(wide, places),
        "dropout for a gradient": lambda: functional.dropout(learned, 0.5),
        "float_power": lambda: torch.float_power(x, y),
        "combinations": lambda: torch.combinations(weight),
        "multinomial with replacement": lambda: torch.multinomial(x, 100, True),
        "scatter_reduce of a mean": lambda: x[::2].scatter_reduce(0, places_of_all, y, "mean"),
        "solve": lambda: torch.linalg.solve(matrix, matrix),
        "det": lambda: torch.linalg.det(matrix),
        "lu of small matrices": lambda: torch.linalg.lu(many),
        "matrix_exp": lambda: torch.matrix_exp(matrix),
        "cross_entropy by weight": lambda: functional.cross_entropy(wide, places, weight),
        "cross_entropy of float16": lambda: functional.cross_entropy(half, places),
        "ctc_loss": lambda: functional.ctc_loss(
            spoken, torch.ones(32, 100, dtype=torch.int64), (500,) * 32, (100,) * 32
        ),
        "mse_loss": lambda: functional.mse_loss(x, y),
        "huber_loss": lambda: functional.huber_loss(x, y),
        "binary_cross_entropy_with_logits": lambda: functional.binary_cross_entropy_with_logits(
            x, y
        ),
    }
    inside: Calls = {
        "dropout in place": lambda: functional.dropout(y, 0.5, inplace=True),
        "alpha_dropout in place": lambda: functional.alpha_dropout(y, 0.5, True, inplace=True),
        "rrelu in place": lambda: functional.rrelu(wide, training=True, inplace=True),
    }
    return new, inside


def bytes_of(result: Any) -> int:
    if isinstance(result, (tuple, list)):
        return sum(map(bytes_of, result))
    return result.numel() * result.element_size()


def excess(call: Callable[[], Any], writes: bool) -> int:
    """The peak of a call's traced memory, less what its result holds, in bytes."""
    call()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = call()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    # What is not traced has a peak of nothing.
    return max(peak - (0 if writes else bytes_of(result)), 0)


def main() -> None:
    arguments = read_arguments(__doc__, variants=("plain", "workspace"))
    torch = load(arguments.framework)
    torch.manual_seed(0)
    new, inside = (plain if arguments.variant == "plain" else workspace)(torch)
    found = {name: excess(call, writes=False) for name, call in new.items()}
    found |= {name: excess(call, writes=True) for name, call in inside.items()}
    most = sorted(found, key=found.__getitem__, reverse=True)
    detail = ", ".join(f"{name} {found[name] / 1e6:.1f} MB" for name in most[:15])
    report(found[most[0]], "B", check=len(found), detail=detail)


if __name__ == "__main__":
    main()
