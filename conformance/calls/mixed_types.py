"""Calls of two operands over all pairs of types, dimensions and kinds of Python numbers."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch

import lamella

Call = tuple[tuple[str, ...], Callable[..., Any], tuple[Any, ...]]

TYPES = (
    "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool complex64 complex128"
).split()
WIDE_UNSIGNED = ["uint16", "uint32", "uint64"]
OUT_TYPES = ["float32", "float16", "int64", "bool", "complex64"]
NUMBERS = {"True": True, "2": 2, "2.5": 2.5, "2j": 2j}

# As a function, a method, in place, with out=, of tensors and numbers.
POINTWISE = """
    add arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor
    copysign div divide eq float_power floor_divide fmax fmin fmod gcd ge greater greater_equal gt
    heaviside hypot igamma igammac lcm ldexp le less less_equal logaddexp logaddexp2 logical_and
    logical_or logical_xor lt maximum minimum mul multiply ne nextafter not_equal pow remainder
    special.gammainc special.gammaincc special.xlog1py special.xlogy special.zeta sub subtract
    true_divide xlogy
""".split()

# As a function of two tensors, and of a tensor and a number.
FUNCTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add alpha=2": lambda t, x, y: t.add(x, y, alpha=2),
    "add alpha=2.5": lambda t, x, y: t.add(x, y, alpha=2.5),
    "add alpha=2j": lambda t, x, y: t.add(x, y, alpha=2j),
    "add alpha=True": lambda t, x, y: t.add(x, y, alpha=True),
    "sub alpha=2": lambda t, x, y: t.sub(x, y, alpha=2),
    "sub alpha=2.5": lambda t, x, y: t.sub(x, y, alpha=2.5),
    "rsub": lambda t, x, y: t.rsub(x, y),
    "rsub alpha=2": lambda t, x, y: t.rsub(x, y, alpha=2),
    "rsub alpha=2.5": lambda t, x, y: t.rsub(x, y, alpha=2.5),
    "div floor": lambda t, x, y: t.div(x, y, rounding_mode="floor"),
    "div trunc": lambda t, x, y: t.div(x, y, rounding_mode="trunc"),
    "where": lambda t, x, y: t.where(t.tensor([True, False, True]), x, y),
    "masked_fill": lambda t, x, y: x.masked_fill(t.tensor([True, False, True]), y),
    "lerp": lambda t, x, y: t.lerp(x, y, 0.5),
    "lerp weight": lambda t, x, y: t.lerp(x, x, y),
    "lerp both": lambda t, x, y: t.lerp(x, y, y),
    "addcmul": lambda t, x, y: t.addcmul(x, y, y),
    "addcmul second": lambda t, x, y: t.addcmul(x, x, y),
    "addcmul value": lambda t, x, y: t.addcmul(x, x, y, value=2.5),
    "addcdiv": lambda t, x, y: t.addcdiv(x, y, y),
    "addcdiv second": lambda t, x, y: t.addcdiv(x, x, y),
    "addcdiv value": lambda t, x, y: t.addcdiv(x, x, y, value=2),
    "isclose": lambda t, x, y: t.isclose(x, y),
    "allclose": lambda t, x, y: t.allclose(x, y),
    "equal": lambda t, x, y: t.equal(x, y),
    "clamp": lambda t, x, y: t.clamp(x, y, y),
    "clamp min": lambda t, x, y: t.clamp(x, min=y),
    "clamp_min": lambda t, x, y: t.clamp_min(x, y),
    "clamp_max": lambda t, x, y: t.clamp_max(x, y),
    "dist": lambda t, x, y: t.dist(x, y),
    "bucketize": lambda t, x, y: t.bucketize(x, y),
    "searchsorted": lambda t, x, y: t.searchsorted(x, y),
    "cat": lambda t, x, y: t.cat([x, y]),
    "stack": lambda t, x, y: t.stack([x, y]),
    "hstack": lambda t, x, y: t.hstack([x, y]),
    "vstack": lambda t, x, y: t.vstack([x, y]),
    "block_diag": lambda t, x, y: t.block_diag(x, y),
    "cartesian_prod": lambda t, x, y: t.cartesian_prod(x, y),
    "broadcast_tensors": lambda t, x, y: t.broadcast_tensors(x, y),
    "diff prepend": lambda t, x, y: t.diff(x, prepend=y),
    "fill": lambda t, x, y: t.fill(x, y),
    "copy_": lambda t, x, y: x.copy_(y),
    "masked_scatter": lambda t, x, y: x.masked_scatter(t.tensor([True, False, True]), y),
    "index_put": lambda t, x, y: x.index_put((t.tensor([0, 2, 1]),), y),
    "result_type": lambda t, x, y: t.result_type(x, y),
    "outer": lambda t, x, y: t.outer(x, y),
    "inner": lambda t, x, y: t.inner(x, y),
    "kron": lambda t, x, y: t.kron(x, y),
}

# As a function of two tensors with dimensions.
TENSORS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "promote_types": lambda t, x, y: t.promote_types(x.dtype, y.dtype),
    "can_cast": lambda t, x, y: t.can_cast(x.dtype, y.dtype),
    "isin": lambda t, x, y: t.isin(x, y),
    "complex": lambda t, x, y: t.complex(x, y),
    "polar": lambda t, x, y: t.polar(x, y),
    "linalg.cross": lambda t, x, y: t.linalg.cross(x, y),
    "dot": lambda t, x, y: t.dot(x, y),
    "vdot": lambda t, x, y: t.vdot(x, y),
    "matmul": lambda t, x, y: t.matmul(x, y),
    "mm": lambda t, x, y: t.mm(square(x), square(y)),
    "mv": lambda t, x, y: t.mv(square(x), y),
    "bmm": lambda t, x, y: t.bmm(square(x)[None], square(y)[None]),
    "addmm": lambda t, x, y: t.addmm(x, square(x), square(y)),
    "addmv": lambda t, x, y: t.addmv(x, square(y), y),
    "addbmm": lambda t, x, y: t.addbmm(x, square(y)[None], square(y)[None]),
    "addr": lambda t, x, y: t.addr(x, x, y),
    "tensordot": lambda t, x, y: t.tensordot(x, y, 1),
    "chain_matmul": lambda t, x, y: t.chain_matmul(square(x), square(y)),
    "cdist": lambda t, x, y: t.cdist(square(x), square(y)),
    "linear": lambda t, x, y: t.nn.functional.linear(x, square(y)),
    "index_add": lambda t, x, y: x.index_add(0, t.tensor([0, 2, 1]), y),
    "index_copy": lambda t, x, y: x.index_copy(0, t.tensor([0, 2, 1]), y),
    "scatter": lambda t, x, y: x.scatter(0, t.tensor([0, 2, 1]), y),
    "scatter_add": lambda t, x, y: x.scatter_add(0, t.tensor([0, 2, 1]), y),
    "select_scatter": lambda t, x, y: t.select_scatter(square(x), y, 0, 0),
    "take_along_dim": lambda t, x, y: t.take_along_dim(x, y),
    "mse_loss": lambda t, x, y: t.nn.functional.mse_loss(x, y),
    "l1_loss": lambda t, x, y: t.nn.functional.l1_loss(x, y),
    "huber_loss": lambda t, x, y: t.nn.functional.huber_loss(x, y),
}

OPERATORS = (
    "add and eq floordiv ge gt le lshift lt mod mul ne or pow rshift sub truediv xor".split()
)


def square(x: Any) -> Any:
    return x.expand(3, 3)


def operands(framework: ModuleType, left: str, right: str) -> dict[str, tuple[Any, Any]]:
    """Two tensors of the types; those with 0 are without dimensions."""
    x = framework.tensor([3.0, 1.0, 2.0]).to(getattr(framework, left))
    y = framework.tensor([2.0, 1.0, 1.0]).to(getattr(framework, right))
    first, second = x[0].clone(), y[0].clone()
    return {"tt": (x, y), "t0": (x, second), "0t": (first, y), "00": (first, second)}


def with_number(framework: ModuleType, kind: str, number: Any) -> dict[str, tuple[Any, Any]]:
    """A tensor of the type and a number, in both orders."""
    (x, _), (zero, _) = (operands(framework, kind, kind)[form] for form in ("tt", "0t"))
    return {"ts": (x, number), "st": (number, x), "0s": (zero, number), "s0": (number, zero)}


def pairs(framework: ModuleType) -> Iterator[tuple[str, str, dict[str, tuple[Any, Any]]]]:
    """Both types, or a type and the kind of a number, and the operands."""
    for left in TYPES:
        for right in TYPES:
            yield left, right, operands(framework, left, right)
        for kind, number in NUMBERS.items():
            yield left, kind, with_number(framework, left, number)


def into(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method in place, on a copy."""
    return lambda x, y: method(x.clone() if hasattr(x, "clone") else x, y)


def pointwise(framework: ModuleType, name: str) -> Iterator[Call]:
    function: Any = framework
    for part in name.split("."):
        function = getattr(function, part)
    method = getattr(framework.Tensor, name, None)
    inplace = getattr(framework.Tensor, f"{name}_", None)
    for left, right, forms in pairs(framework):
        for form, (x, y) in forms.items():
            yield (form, left, right), function, (x, y)
            if form[0] != "s":
                if method is not None:
                    yield (f"method {form}", left, right), method, (x, y)
                if inplace is not None:
                    yield (f"in place {form}", left, right), into(inplace), (x, y)
            if form in ("tt", "ts", "st"):
                for kind in OUT_TYPES:
                    out = framework.zeros(3, dtype=getattr(framework, kind))
                    call = lambda x, y, out=out: function(x, y, out=out)  # noqa: E731
                    yield (f"out={kind} {form}", left, right), call, (x, y)


def python_operator(framework: ModuleType, name: str) -> Iterator[Call]:
    function = getattr(operator, f"{name}_" if name in ("and", "or") else name)
    inplace = getattr(operator, f"i{name}", None)
    for left, right, forms in pairs(framework):
        for form, both in forms.items():
            yield (form, left, right), function, both
            if inplace is not None and form[0] != "s":
                yield (f"in place {form}", left, right), into(inplace), both


def calls(framework: ModuleType, name: str) -> Iterator[Call]:
    """What is called of an op: a name for each call, the function, its operands."""
    if name in POINTWISE:
        yield from pointwise(framework, name)
    elif name.startswith("operator "):
        yield from python_operator(framework, name.partition(" ")[2])
    elif name == "wide unsigned":
        for left in TYPES + WIDE_UNSIGNED:
            for right in TYPES + WIDE_UNSIGNED:
                for form, both in operands(framework, left, right).items():
                    yield (form, left, right), framework.result_type, both
                    yield (f"cast {form}", left, right), TENSORS["can_cast"], (framework, *both)
    else:
        function = FUNCTIONS.get(name) or TENSORS[name]
        for left, right, forms in pairs(framework):
            for form, (x, y) in forms.items():
                if form == "tt" or (name in FUNCTIONS and form[0] != "s"):
                    x = x.clone()
                    yield (form, left, right), function, (framework, x, y)


NAMES = [*POINTWISE, *FUNCTIONS, *TENSORS, *(f"operator {name}" for name in OPERATORS)]
NAMES.append("wide unsigned")


def described(value: Any) -> Any:
    """Type, shape and elements of a tensor, what is printed of another result."""
    if isinstance(value, lamella.Tensor) and value.numpy().dtype != value.dtype.numpy:
        return f"a tensor of {value.dtype} that holds {value.numpy().dtype}"
    if isinstance(value, (torch.Tensor, lamella.Tensor)):
        return str(value.dtype)[6:], tuple(value.shape), value.tolist()
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    return str(value)


def outcomes(framework: ModuleType, name: str) -> dict[tuple[str, ...], Any]:
    """What every call gives: a description of the result, or the type of the exception."""
    found: dict[tuple[str, ...], Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, function, arguments in calls(framework, name):
            try:
                found[key] = described(function(*arguments))
            except Exception as error:
                found[key] = type(error).__name__
    return found


def near(a: Any, b: Any, tolerance: float) -> bool:
    """Whether nested lists of numbers agree; NaN and infinities do with themselves."""
    if isinstance(a, list):
        return len(a) == len(b) and all(near(p, q, tolerance) for p, q in zip(a, b, strict=True))
    if isinstance(a, complex):
        return near(a.real, b.real, tolerance) and near(a.imag, b.imag, tolerance)
    if isinstance(a, float):
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) or (a != a and b != b)
    return bool(a == b)


def agree(expected: Any, got: Any, reduced: bool) -> bool:
    """Whether two descriptions agree; ``reduced`` where float16 or bfloat16 takes part."""
    if isinstance(expected, str) or isinstance(got, str):
        return bool(expected == got)
    if isinstance(expected, list):
        return len(expected) == len(got) and all(
            agree(p, q, reduced) for p, q in zip(expected, got, strict=True)
        )
    return expected[:2] == got[:2] and near(expected[2], got[2], 1e-2 if reduced else 1e-5)
