"""Sums, moments, extremes, norms, running sums and histograms."""

from __future__ import annotations

from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    x, z = (torch.rand(2_000_000) + 0.5 for _ in range(2))
    half, brief, missing = x.half(), x.bfloat16(), x.masked_fill(x > 1, float("nan"))
    wide, rows, bias = torch.randn(1000, 2000), torch.randn(1000, 2000), torch.randn(2000)
    gaps = torch.randn(1200, 2500)[100:1100, 200:2200]
    last = torch.randn(4, 8, 250, 250).to(memory_format=torch.channels_last)
    whole = torch.arange(2_000_000)
    small, digits, few = whole.int(), whole % 1000, (whole % 200).to(torch.uint8)
    short = digits.int()
    square, given = torch.zeros(1000, 1000), torch.zeros(1000, 2000)
    narrow, chosen = square.half(), torch.empty(1000, 1000, dtype=torch.int64)
    spaced = torch.zeros(4_000_000)[::2]
    new: Calls = {
        "sum": lambda: x.sum(),
        "sum, first dimension": lambda: wide.sum(0),
        "mean": lambda: wide.mean(1),
        "var": lambda: x.var(),
        "std, first dimension": lambda: wide.std(0),
        "max": lambda: wide.max(1),
        "argmax": lambda: wide.argmax(1),
        "norm": lambda: x.norm(),
        "logsumexp": lambda: wide.logsumexp(1),
        "cumsum": lambda: x.cumsum(0),
        "cumsum of float16": lambda: half.cumsum(0),
        "cumsum of a transpose": lambda: wide.t().cumsum(0),
        "cummax": lambda: wide.cummax(1),
        "cummin of one row": lambda: x.cummin(0),
        "cummax of a few long rows": lambda: x.view(4, 500_000).cummax(0),
        "cummax of channels": lambda: last.cummax(0),
        "histc": lambda: x.histc(50),
        "bincount of uint8": lambda: few.bincount(),
        "bincount of int32": lambda: short.bincount(),
        "bincount to many bins": lambda: small.bincount(),
        "histogramdd": lambda: torch.histogramdd(x.view(-1, 2), [10, 10]),
        "logcumsumexp of a transpose": lambda: wide.t().logcumsumexp(1),
        "sum of float16 over its dimension": lambda: half.sum(0),
        "histogram": lambda: torch.histogram(x, 50),
        "bincount with weights": lambda: digits.bincount(x),
        "trapezoid": lambda: torch.trapezoid(x),
        "sum of float16": lambda: half.sum(),
        "sum of an expanded row": lambda: bias.expand(1000, 2000).sum(),
        "mean of a permuted float16": lambda: half.view(20, 100, 1000).permute(2, 0, 1).mean(),
        "var_mean of float16": lambda: torch.var_mean(half),
        "logsumexp of all": lambda: wide.logsumexp((0, 1)),
        "logsumexp of all, float16": lambda: half.view(1000, 2000).logsumexp((0, 1)),
        "argmax with gaps": lambda: gaps.argmax(),
        "argmax of rows with gaps": lambda: gaps.argmax(1),
        "argmax of channels": lambda: last.argmax(),
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
        "norm of float16": lambda: half.norm(),
        "norm of order 0": lambda: x.norm(0),
        "norm of a matrix": lambda: torch.linalg.matrix_norm(wide),
        "argmax, first dimension": lambda: wide.argmax(0),
        "max, first dimension": lambda: wide.max(0),
        "median of rows": lambda: wide.median(1),
        "mode": lambda: wide.mode(1),
        "norm of order 1": lambda: x.norm(1),
        "norm of order 3, rows": lambda: wide.norm(3, 1),
        "sum of every second element": lambda: given[:, ::2].sum(),
        "var of every second element": lambda: given[:, ::2].var(),
        "norm of a permuted tensor": lambda: x.view(20, 100, 1000).permute(2, 0, 1).norm(),
        "var of float16 over all dimensions": lambda: half.view(1000, 2000).var((0, 1)),
        "sum of images, channels-last": lambda: last.sum(0),
        "mean of images, channels-last": lambda: last.mean(0),
        "amax of images, channels-last": lambda: last.amax(0),
        "var of channels, channels-last": lambda: last.var((0, 2, 3)),
        "norm of order 3 of channels, channels-last": lambda: torch.linalg.vector_norm(
            last, 3, (0, 2, 3)
        ),
    }
    inside: Calls = {
        "cumsum into a tensor": lambda: torch.cumsum(x, 0, out=z),
        "sum into a tensor": lambda: torch.sum(x.view(2, 1000, 1000), 0, out=square),
        "max into tensors": lambda: torch.max(wide.view(2, 1000, 1000), 0, out=(square, chosen)),
        "renorm into a tensor": lambda: torch.renorm(wide, 2, 0, 1.0, out=given),
        "renorm in place": lambda: rows.renorm_(2, 0, 40.0),
        "cumsum in place": lambda: spaced.cumsum_(0).zero_(),
        "sum of float16 into a tensor": lambda: torch.sum(half.view(2, 1000, 1000), 0, out=narrow),
    }
    return new, inside
