"""Comparisons of tensors, and tests of their elements and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.composite import composite
from lamella_core.conventions.alike import alike
from lamella_core.conventions.pointwise import pointwise
from lamella_core.conventions.results import check_tensors
from lamella_core.declaration import operator_method
from lamella_core.dispatch import LIFTED, backend_of_tensor, modes
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Number

__all__ = [
    "allclose", "eq", "equal", "ge", "greater", "greater_equal", "gt", "is_complex",
    "is_floating_point", "is_nonzero", "is_tensor", "isclose", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "le", "less", "less_equal", "lt", "ne", "not_equal", "numel",
]  # fmt: skip


# ------------ element by element


@pointwise("bool")
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input == other``, element-wise: bool, of the broadcast shape. NaN equals nothing."""


@pointwise("bool")
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input != other``, element-wise: bool, of the broadcast shape."""


def _of_two(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """A comparison of real numbers."""


lt, le, gt, ge = alike(
    _of_two,
    pointwise("bool", refuses="complex"),
    {
        name: f"``input {sign} other``, element-wise: bool, of the broadcast shape. False for NaN."
        for name, sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="))
    },
)


not_equal = ne
less = lt
less_equal = le
greater = gt
greater_equal = ge
for _alias, _name in (
    ("not_equal", "ne"),
    ("less", "lt"),
    ("less_equal", "le"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
):
    setattr(Tensor, _alias, getattr(Tensor, _name))
    setattr(Tensor, f"{_alias}_", getattr(Tensor, f"{_name}_"))
for _name, _function in (
    ("__eq__", eq),
    ("__ne__", ne),
    ("__lt__", lt),
    ("__le__", le),
    ("__gt__", gt),
    ("__ge__", ge),
):
    setattr(Tensor, _name, operator_method(_function, _name))
del _alias, _name, _function


def _of_one(input: Tensor) -> Tensor:
    """A test of one tensor's elements."""


def _of_one_into(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A test of one tensor's elements."""


isnan, isinf, isfinite = alike(
    _of_one,
    pointwise("bool", inplace=False),
    {
        "isnan": "Whether each element is NaN; a complex number is where a part is.",
        "isinf": "Whether each element is infinite; a complex number is where a part is.",
        "isfinite": "Whether each element is neither infinite nor NaN.",
    },
)
isposinf, isneginf = alike(
    _of_one_into,
    pointwise("bool", inplace=False, refusals={"complex": "{} does not support complex inputs."}),
    {
        f"is{short}inf": f"Whether each element is {sign} infinity; RuntimeError for complex ones."
        for short, sign in (("pos", "positive"), ("neg", "negative"))
    },
)


@composite()
def isreal(input: Tensor) -> Tensor:
    """Whether each element has the imaginary part 0."""
    return eq(input.imag, 0) if input._dtype.is_complex else eq(input, input).fill_(True)


_isclose = pointwise("bool")(
    "isclose(input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool)"
)


@composite()
def isclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``, element-wise.

    Args:
        input, other: of one type; they broadcast. Infinities are close to themselves only.
        rtol, atol: not negative.
        equal_nan: whether NaN is close to NaN.

    Raises:
        RuntimeError: when the types differ or a tolerance is negative.
    """
    check_tensors("isclose", input=input, other=other)
    if input._dtype is not other._dtype:
        raise RuntimeError(
            f"isclose: {input._dtype.class_name} did not match {other._dtype.class_name}; convert "
            f"one of them with .to()"
        )
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise RuntimeError(
                f"isclose: {name} must be greater than or equal to zero, but got {value}"
            )
    return _isclose(input, other, rtol, atol, equal_nan)


@composite()
def allclose(
    input: Tensor,
    other: Tensor,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool:
    """Whether all elements are close; see :func:`isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


@composite()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    try:
        if input._array.shape != other._array.shape:
            return False
    except AttributeError:
        check_tensors("equal", input=input, other=other)
        raise
    shape, large = input._array.shape, backend_of_tensor(input).large
    if input._array.size > large and shape[0] > 1 and not (input._key | other._key) & LIFTED:
        # Part by part, up to the first difference.
        step = max(large * shape[0] // input._array.size, 1)
        return all(map(equal, input.split(step), other.split(step)))
    same = _eq_table[modes.bits | input._key | other._key](input, other)
    if same._key & LIFTED:
        return bool(same.all())
    return backend_of_tensor(same).all_true(same._array)


_eq_table = eq.op.table


# ------------ whole tensors


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(obj, Tensor)


@composite(method=False)
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers."""
    return input._dtype.is_floating_point


@composite(method=False)
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return input._dtype.is_complex


@composite(method=False)
def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._array.size


@composite()
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element of a tensor is not zero.

    Raises:
        RuntimeError: when there is not exactly one element.
    """
    return Tensor.__bool__(input)
