"""What one call of an op allocates beyond its result, by `tracemalloc`: the worst of many ops.

NumPy tells `tracemalloc` of its arrays, PyTorch does not tell of its tensors, so the figure is
lamella's alone; the baseline's is 0. Operands are 8 MB each (two million float32 in most places).

`plain`: pointwise ops, in-place ones, reductions, products, gathering, copies and layers, which are
to need a constant at most: blocks that fit the cache.

`workspace`: ops whose methods need room that grows with the operands, and why:

* `argsort`, `topk`, `median`, `unique`: NumPy orders a copy, and the places beside it.
* `nansum`: the numbers with zero for NaN.
* `cross_entropy`: the logarithms of all probabilities, which its derivative uses.
* `dropout`: the mask, which its derivative uses.
* `conv2d`: the windows of an image as the columns of a matrix, for one product of BLAS.
* `max_pool2d`: the place of each maximum.
* `index_add_`, `index_copy_`: the rows in the order in which they are written.
* `argmax` along the first dimension: NumPy turns the array around for it.
* `randperm`: all swaps are resolved at once.
* float16 is summed in float32, and integers meet floats as floats.
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
    mask = x > 1
    places = torch.randint(0, 1000, (1000,))
    weight, bias = torch.randn(2000, 2000), torch.randn(2000)
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
        "softmax": lambda: wide.softmax(1),
        "log_softmax": lambda: wide.log_softmax(1),
        "cat": lambda: torch.cat((x, y)),
        "stack": lambda: torch.stack((x, y)),
        "index_select": lambda: wide.index_select(0, places),
        "x[mask]": lambda: x[mask],
        "x[places]": lambda: wide[places],
        "gather": lambda: wide.gather(0, places[None].expand(1000, 1000)),
        "cumsum": lambda: x.cumsum(0),
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
        "uniform_": lambda: z.uniform_(),
        "normal_": lambda: z.normal_(),
    }
    return new, inside


def workspace(torch: ModuleType) -> tuple[Calls, Calls]:
    """As :func:`plain`."""
    functional = torch.nn.functional
    x, wide, rows = torch.rand(2_000_000), torch.randn(1000, 2000), torch.randn(1000, 2000)
    whole = torch.arange(2_000_000)
    half = x.half()
    places = torch.randint(0, 1000, (1000,))
    image, kernels = torch.randn(4, 8, 250, 250), torch.randn(8, 8, 3, 3)
    new: Calls = {
        "argsort": lambda: x.argsort(),
        "topk": lambda: wide.topk(5, 1),
        "median": lambda: x.median(),
        "unique": lambda: whole.unique(),
        "cross_entropy": lambda: functional.cross_entropy(wide, places),
        "dropout": lambda: functional.dropout(x, 0.5),
        "conv2d": lambda: functional.conv2d(image, kernels, padding=1),
        "max_pool2d": lambda: functional.max_pool2d(image, 2),
        "argmax, first dimension": lambda: wide.argmax(0),
        "randperm": lambda: torch.randperm(2_000_000),
        "sum of float16": lambda: half.sum(),
        "nansum": lambda: x.nansum(),
        "integers plus a float": lambda: whole + 1.5,
    }
    inside: Calls = {
        "index_add_": lambda: wide.index_add_(0, places, rows),
        "index_copy_": lambda: wide.index_copy_(0, whole[:1000], rows),
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
