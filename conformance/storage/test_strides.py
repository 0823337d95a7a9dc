"""The strides of results: each op over operands of every layout, in PyTorch and here.

Dimensions of size 1 are left out of the comparison, as their strides reach no element.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

import lamella

SHAPES = {2: (3, 4), 3: (2, 3, 4), 4: (2, 3, 4, 5), 5: (2, 3, 4, 2, 3)}


def numbers(t: Any, shape: Any) -> Any:
    count = torch.Size(shape).numel()
    return (t.arange(count, dtype=t.float32) + 1).reshape(shape)


def permuted(t: Any, shape: Any, order: Any) -> Any:
    """Laid out with the dimensions in the given order, outermost first."""
    places = [list(order).index(dim) for dim in range(len(shape))]
    return numbers(t, [shape[dim] for dim in order]).permute(places)


def last(t: Any, x: Any) -> Any:
    if x.dim() < 4:
        return x.movedim(1, -1).contiguous().movedim(-1, 1)
    return x.to(memory_format=t.channels_last if x.dim() == 4 else t.channels_last_3d)


def sliced(x: Any) -> Any:
    return x[(slice(None, None, 2),) * x.dim()]


WHOLE: dict[str, Any] = {
    "row-major": numbers,
    "channels last": lambda t, s: last(t, numbers(t, s)),
    "reversed": lambda t, s: permuted(t, s, range(len(s))[::-1]),
    "rolled": lambda t, s: permuted(t, s, (len(s) - 1, *range(len(s) - 1))),
    "sliced": lambda t, s: sliced(numbers(t, [2 * n for n in s])),
    "channels last, sliced": lambda t, s: sliced(last(t, numbers(t, [2 * n for n in s]))),
    "expanded": lambda t, s: numbers(t, s[1:]).expand(s),
    "expanded inside": lambda t, s: numbers(t, (s[0], 1, *s[2:])).expand(s),
}
OTHERS: dict[str, Any] = {
    **WHOLE,
    "number": lambda t, s: 2.0,
    "no dimensions": lambda t, s: t.tensor(2.0),
    "bias": lambda t, s: numbers(t, (s[1],) + (1,) * (len(s) - 2)),
    "row": lambda t, s: numbers(t, s[-1:]),
    "column": lambda t, s: numbers(t, (*s[:-1], 1)),
    "reversed column": lambda t, s: permuted(t, (*s[:-1], 1), range(len(s))[::-1]),
}

BINARY: dict[str, Any] = {
    "add": lambda t, a, b: a + b,
    "add from the right": lambda t, a, b: b + a,
    "sub with alpha": lambda t, a, b: t.sub(a, b, alpha=2),
    "div": lambda t, a, b: a / b,
    "pow": lambda t, a, b: a**b,
    "lt": lambda t, a, b: a < b,
    "and": lambda t, a, b: (a > 1) & (b > 1),
    "two types": lambda t, a, b: a.double() + b,
    "half": lambda t, a, b: a.half() * b,
    "clamp": lambda t, a, b: a.clamp(min=b),
    "where": lambda t, a, b: t.where(a > 2, a, b),
    "where, turned round": lambda t, a, b: t.where(a > 2, b, a),
    "xlogy": lambda t, a, b: t.xlogy(a, b),
    "copysign": lambda t, a, b: t.copysign(a, b),
    "floor division": lambda t, a, b: b // a,
}
TENSORS: dict[str, Any] = {
    "maximum": lambda t, a, b: t.maximum(a, b),
    "atan2": lambda t, a, b: t.atan2(a, b),
    "lerp": lambda t, a, b: t.lerp(a, b, 0.5),
    "complex": lambda t, a, b: t.complex(a, b),
    "isclose": lambda t, a, b: t.isclose(a, b),
    "logaddexp": lambda t, a, b: t.logaddexp(a, b),
}
TERNARY: dict[str, Any] = {
    "addcmul": lambda t, a, b, c: t.addcmul(a, b, c),
    "addcdiv": lambda t, a, b, c: t.addcdiv(a, b, c),
    "where": lambda t, a, b, c: t.where(a > 2, b, c),
    "clamp": lambda t, a, b, c: t.clamp(a, b, c),
    "lerp": lambda t, a, b, c: t.lerp(a, b, c),
}


def format_of(t: Any, x: Any) -> Any:
    return t.channels_last if x.dim() == 4 else t.channels_last_3d


def weight(t: Any, x: Any, size: int, out: int = 6) -> Any:
    return numbers(t, (out, x.shape[1], *[size] * (x.dim() - 2)))


def images(name: str, **more: Any) -> Any:
    """A function of ``nn.functional`` that has its name for each number of dimensions."""
    return lambda t, a, *rest: getattr(t.nn.functional, f"{name}{a.dim() - 2}d")(a, *rest, **more)


UNARY: dict[str, Any] = {
    "exp": lambda t, a: a.exp(),
    "double": lambda t, a: a.double(),
    "half": lambda t, a: a.half(),
    "relu": lambda t, a: a.relu(),
    "gelu": lambda t, a: t.nn.functional.gelu(a),
    "to complex": lambda t, a: a.to(t.complex64),
    "number": lambda t, a: 2.0 - a,
    "isfinite": lambda t, a: a.isfinite(),
    "clone": lambda t, a: a.clone(),
    "clone, row-major": lambda t, a: a.clone(memory_format=t.contiguous_format),
    "to double, row-major": lambda t, a: a.to(t.float64, memory_format=t.contiguous_format),
    "to row-major": lambda t, a: a.to(memory_format=t.contiguous_format),
    "copy": lambda t, a: a.to(t.float32, copy=True),
    "contiguous": lambda t, a: a.contiguous(),
    "empty_like": lambda t, a: t.empty_like(a),
    "zeros_like": lambda t, a: t.zeros_like(a, dtype=t.int64),
    "zeros_like, row-major": lambda t, a: t.zeros_like(a, memory_format=t.contiguous_format),
    "randn_like": lambda t, a: t.randn_like(a),
    "sum": lambda t, a: a.sum(1),
    "sum, kept": lambda t, a: a.sum(1, keepdim=True),
    "sum of two": lambda t, a: a.sum((0, 1), keepdim=True),
    "mean, kept": lambda t, a: a.mean(-1, keepdim=True),
    "amax, kept": lambda t, a: a.amax(0, keepdim=True),
    "var, kept": lambda t, a: a.var(1, keepdim=True),
    "argmax, kept": lambda t, a: a.argmax(1, keepdim=True),
    "logsumexp, kept": lambda t, a: a.logsumexp(1, keepdim=True),
    "softmax": lambda t, a: a.softmax(1),
    "cumsum": lambda t, a: a.cumsum(1),
    "sort": lambda t, a: a.sort(1)[0],
    "argsort": lambda t, a: a.argsort(1),
    "gather": lambda t, a: a.gather(1, a.long() * 0),
    "nonzero": lambda t, a: a.nonzero(),
    "cat": lambda t, a: t.cat([a, a], 1),
    "cat of two layouts": lambda t, a: t.cat([a, numbers(t, a.shape)], 0),
    "pad": lambda t, a: t.nn.functional.pad(a, (1, 1)),
    "layer_norm": lambda t, a: t.nn.functional.layer_norm(a, a.shape[-1:]),
    "rms_norm": lambda t, a: t.nn.functional.rms_norm(a, a.shape[-1:]),
    "normalize": lambda t, a: t.nn.functional.normalize(a),
    "batch_norm": lambda t, a: t.nn.functional.batch_norm(a, None, None, training=True),
    "batch_norm, running": lambda t, a: t.nn.functional.batch_norm(
        a, t.zeros(a.shape[1]), t.ones(a.shape[1])
    ),
}
IMAGES: dict[str, Any] = {
    "clone to channels last": lambda t, a: a.clone(memory_format=format_of(t, a)),
    "to channels last": lambda t, a: a.to(memory_format=format_of(t, a)),
    "to double, channels last": lambda t, a: a.to(t.float64, memory_format=format_of(t, a)),
    "contiguous": lambda t, a: a.contiguous(memory_format=format_of(t, a)),
    "zeros_like": lambda t, a: t.zeros_like(a, memory_format=format_of(t, a)),
    "reflect": lambda t, a: t.nn.functional.pad(a, (1,) * 2 * (a.dim() - 2), mode="reflect"),
    "replicate": lambda t, a: t.nn.functional.pad(a, (1,) * 2 * (a.dim() - 2), mode="replicate"),
    "circular": lambda t, a: t.nn.functional.pad(a, (1,) * 2 * (a.dim() - 2), mode="circular"),
    "max_pool": lambda t, a: images("max_pool")(t, a, 2, 1),
    "max_pool's indices": lambda t, a: images("max_pool", return_indices=True)(t, a, 2, 1)[1],
    "avg_pool": lambda t, a: images("avg_pool")(t, a, 2, 1),
    "adaptive_avg_pool": lambda t, a: images("adaptive_avg_pool")(t, a, 2),
    "adaptive_max_pool": lambda t, a: images("adaptive_max_pool")(t, a, 2),
    "nearest": lambda t, a: t.nn.functional.interpolate(a, scale_factor=2),
    "linear": lambda t, a: t.nn.functional.interpolate(
        a, scale_factor=2, mode="bilinear" if a.dim() == 4 else "trilinear"
    ),
    "area": lambda t, a: t.nn.functional.interpolate(a, scale_factor=2, mode="area"),
    "group_norm": lambda t, a: t.nn.functional.group_norm(a, 1),
    "instance_norm": lambda t, a: t.nn.functional.instance_norm(a),
    "conv": lambda t, a: images("conv")(t, a, weight(t, a, 2)),
    "conv, weight channels last": lambda t, a: images("conv")(t, a, last(t, weight(t, a, 2))),
    "conv by channel": lambda t, a: images("conv", groups=a.shape[1])(
        t, a, numbers(t, (a.shape[1], 1, *[2] * (a.dim() - 2)))
    ),
    "conv_transpose": lambda t, a: images("conv_transpose")(
        t, a, numbers(t, (a.shape[1], 6, *[2] * (a.dim() - 2)))
    ),
}


def slope(op: Any) -> Any:
    """The gradient as the formula gives it, before a leaf takes it."""

    def gradient(t: Any, a: Any) -> Any:
        a = a.detach().requires_grad_()
        result = op(t, a)
        return t.autograd.grad(result, a, t.ones_like(result))[0]

    return gradient


def leaf_slope(op: Any) -> Any:
    """What a leaf has after ``backward()``."""

    def gradient(t: Any, a: Any) -> Any:
        a = a.detach().requires_grad_()
        op(t, a).sum().backward()
        return a.grad

    return gradient


GRADIENTS = {
    **{f"to {name}": slope(UNARY[name]) for name in ("relu", "gelu", "softmax", "double", "cat")},
    **{f"to {name}": slope(UNARY[name]) for name in ("layer_norm", "batch_norm", "pad", "clone")},
    **{f"leaf of {name}": leaf_slope(UNARY[name]) for name in ("exp", "sum", "softmax", "pad")},
}
IMAGE_GRADIENTS = {
    **{f"to {name}": slope(IMAGES[name]) for name in ("max_pool", "avg_pool", "linear")},
    **{f"to {name}": slope(IMAGES[name]) for name in ("adaptive_avg_pool", "conv")},
    **{f"leaf of {name}": leaf_slope(IMAGES[name]) for name in ("conv", "max_pool", "group_norm")},
}


def strides(t: Any, op: Any, shape: Any, layouts: Any) -> Any:
    """The sizes, and the strides of those that are not 1."""
    result = op(t, *[each(t, shape) for each in layouts])
    steps = zip(result.shape, result.stride(), strict=True)
    return tuple(result.shape), [step for size, step in steps if size != 1]


def compare(op: Any, layouts: Any, ndims: Any = SHAPES) -> None:
    wrong = []
    for ndim in ndims:
        for combination in layouts:
            makers = [OTHERS[name] for name in combination]
            theirs = strides(torch, op, SHAPES[ndim], makers)
            ours = strides(lamella, op, SHAPES[ndim], makers)
            if theirs != ours:
                wrong.append((ndim, combination, theirs, ours))
    assert not wrong


@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name):
    pairs = itertools.product(OTHERS, OTHERS)
    compare(BINARY[name], [pair for pair in pairs if pair[0] in WHOLE])


@pytest.mark.parametrize("name", TENSORS)
def test_two_tensors(name):
    pairs = itertools.product(OTHERS, OTHERS)
    compare(TENSORS[name], [p for p in pairs if {*p} & {*WHOLE} and "number" not in p])


@pytest.mark.parametrize("name", TERNARY)
def test_three_operands(name):
    some = ["row-major", "channels last", "reversed", "sliced", "expanded", "bias"]
    compare(TERNARY[name], list(itertools.product(some, repeat=3)))


@pytest.mark.parametrize("name", [*UNARY, *GRADIENTS])
def test_one_operand(name):
    compare({**UNARY, **GRADIENTS}[name], [(layout,) for layout in WHOLE])


@pytest.mark.parametrize("name", [*IMAGES, *IMAGE_GRADIENTS])
def test_images(name):
    compare({**IMAGES, **IMAGE_GRADIENTS}[name], [(layout,) for layout in WHOLE], (4, 5))


@pytest.mark.parametrize("layout", WHOLE)
def test_what_a_layout_is_called(layout):
    for shape in SHAPES.values():
        for memory_format in ("contiguous_format", "channels_last", "channels_last_3d"):
            theirs, ours = (
                WHOLE[layout](t, shape).is_contiguous(memory_format=getattr(t, memory_format))
                for t in (torch, lamella)
            )
            assert theirs == ours
