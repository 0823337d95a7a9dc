"""Whether values are close, and a text that tells how they are not."""

from __future__ import annotations

import cmath
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np

import lamella_core as core
from lamella_core import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dtype import dtype

# (rtol, atol) by the type's name; every other type is compared exactly.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
    "quint8": (1.3e-6, 1e-5),
    "qint8": (1.3e-6, 1e-5),
    "qint32": (1.3e-6, 1e-5),
}

# Those of the function that came before.
_OLD_TOLERANCES = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}

_NUMBER_TYPES = {
    bool: "bool",
    int: "int64",
    np.integer: "int64",
    float: "float64",
    np.floating: "float64",
    complex: "complex128",
    np.complexfloating: "complex128",
}

_Place = tuple[Any, ...]


class _Options(NamedTuple):
    subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    device: bool
    dtype: bool
    layout: bool
    stride: bool
    text: str | Callable[[str], str] | None

    def fail(self, text: str, place: _Place) -> NoReturn:
        if place:
            text += f"\n\nThe failure occurred for item {''.join(str([item]) for item in place)}"
        raise AssertionError(
            text if self.text is None else self.text(text) if callable(self.text) else self.text
        )

    def tolerances(self, *names: str) -> tuple[float, float]:
        """Those asked for, else the wider ones of the types."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [_TOLERANCES.get(name, (0.0, 0.0)) for name in names]
        return max(rtol for rtol, _ in found), max(atol for _, atol in found)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Asserts ``|actual - expected| <= atol + rtol * |expected|`` for all elements.

    Args:
        actual, expected: tensors, numbers, NumPy arrays, None, or sequences and mappings of such.
        allow_subclasses: whether a tensor may meet one of a class derived from its own.
        rtol, atol: tolerances, both or none; by default those of the element type, which are
            (1e-3, 1e-5) for float16, (1.6e-2, 1e-5) for bfloat16, (1.3e-6, 1e-5) for float32 and
            complex64, (1e-7, 1e-7) for float64 and complex128, and 0 for integers and bools.
        equal_nan: whether NaN is close to NaN.
        check_device, check_dtype, check_layout, check_stride: whether these must agree. Where they
            need not, tensors are brought to the CPU, to the promoted type, to the dense layout.
        msg: a text for the exception, or a function of the text that would be there.

    Raises:
        AssertionError: when the values are not close.
        TypeError: for things that are not compared with each other.
        ValueError: for one tolerance without the other.
    """
    if (rtol is None) is not (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    options = _Options(
        allow_subclasses,
        rtol,
        atol,
        equal_nan,
        check_device,
        check_dtype,
        check_layout,
        check_stride,
        msg,
    )
    _compare(actual, expected, options, ())


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The function before :func:`assert_close`, which see: types are not compared, NaN is NaN."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a "
        "future release. Please use `torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    actual, expected = (
        each if isinstance(each, Tensor) else core.tensor(each) for each in (actual, expected)
    )
    if rtol is None and atol is None:
        found = [_OLD_TOLERANCES.get(each.dtype.name, (0.0, 0.0)) for each in (actual, expected)]
        rtol, atol = max(each[0] for each in found), max(each[1] for each in found)
    assert_close(
        actual,
        expected,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_dtype=False,
        check_stride=False,
        msg=msg or None,
    )


def _compare(actual: Any, expected: Any, options: _Options, place: _Place) -> None:
    if _both(Sequence, actual, expected) and not isinstance(actual, str):
        if len(actual) != len(expected):
            options.fail(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place
            )
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            _compare(one, other, options, (*place, i))
    elif _both(Mapping, actual, expected):
        _compare_mappings(actual, expected, options, place)
    elif actual is None or expected is None:
        if actual is not expected:
            options.fail(f"None mismatch: {actual} is not {expected}", place)
    elif _both((bool, np.bool_), actual, expected):
        if bool(actual) is not bool(expected):
            options.fail(f"Booleans mismatch: {actual} is not {expected}", place)
    elif _both(tuple(_NUMBER_TYPES), actual, expected):
        _compare_numbers(actual, expected, options, place)
    else:
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        same = type(actual) is type(expected) or (related and options.subclasses)
        if not same or not isinstance(actual, (Tensor, np.ndarray)):
            raise TypeError(
                f"No comparison pair was able to handle inputs of type {type(actual)} and "
                f"{type(expected)}."
            )
        _compare_tensors(_detached(actual), _detached(expected), options, place)


def _both(kind: Any, actual: Any, expected: Any) -> bool:
    return isinstance(actual, kind) and isinstance(expected, kind)


def _detached(value: Any) -> Tensor:
    return value.detach() if isinstance(value, Tensor) else core.as_tensor(value)


def _compare_mappings(actual: Any, expected: Any, options: _Options, place: _Place) -> None:
    missing, more = set(expected) - set(actual), set(actual) - set(expected)
    if missing or more:
        text = "The keys of the mappings do not match:"
        if missing:
            text += f"\nMissing keys in the actual mapping: {_in_order(missing)}"
        if more:
            text += f"\nAdditional keys in the actual mapping: {_in_order(more)}"
        options.fail(text, place)
    for key in _in_order(actual):
        _compare(actual[key], expected[key], options, (*place, key))


def _in_order(keys: Any) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        return list(keys)


def _compare_numbers(actual: Any, expected: Any, options: _Options, place: _Place) -> None:
    if options.dtype and _number_type(actual) != _number_type(expected):
        options.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", place)
    rtol, atol = options.tolerances(_number_type(actual), _number_type(expected))
    _compare_scalars(_plain(actual), _plain(expected), rtol, atol, options, place)


def _number_type(value: Any) -> str:
    return next(name for kind, name in _NUMBER_TYPES.items() if isinstance(value, kind))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _compare_scalars(
    actual: Any,
    expected: Any,
    rtol: float,
    atol: float,
    options: _Options,
    place: _Place,
    close: bool | None = None,
) -> None:
    difference = abs(actual - expected)
    if close is None:
        within = math.isfinite(difference) and difference <= atol + rtol * abs(expected)
        nans = options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)
        close = within or actual == expected or nans
    if close:
        return
    if expected == 0:
        relative = math.nan if difference == 0 else math.inf
    else:
        # Infinity over infinity, as a difference of such, is no number.
        relative = difference / abs(expected)
    exact = rtol == 0 and atol == 0
    options.fail(
        f"Scalars are not {'equal' if exact else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{'' if exact else f' (up to {atol} allowed)'}\n"
        f"Relative difference: {relative}{'' if exact else f' (up to {rtol} allowed)'}",
        place,
    )


def _compare_tensors(actual: Tensor, expected: Tensor, options: _Options, place: _Place) -> None:
    checks: tuple[tuple[str, bool, Callable[[Tensor], Any]], ...] = (
        ("shape", True, lambda each: each.shape),
        ("layout", options.layout, lambda each: each.layout),
        ("device", options.device, lambda each: each.device),
        ("dtype", options.dtype, lambda each: each.dtype),
    )
    for name, wanted, read in checks:
        one, other = read(actual), read(expected)
        if name == "layout" and one is other is core.strided and options.stride:
            name, one, other = "stride()", actual.stride(), expected.stride()
        elif not wanted:
            continue
        if one != other:
            options.fail(
                f"The values for attribute '{name}' do not match: {one} != {other}.", place
            )
    rtol, atol = options.tolerances(actual.dtype.name, expected.dtype.name)
    kind = "Tensor-likes"
    if actual.is_quantized and expected.is_quantized:
        kind = "Quantized tensor-likes"
        actual, expected = actual.dequantize(), expected.dequantize()
    elif actual.is_sparse and expected.is_sparse:
        kind = "Sparse COO values"
        actual, expected = actual.coalesce().cpu(), expected.coalesce().cpu()
        if actual._nnz() != expected._nnz():
            options.fail(
                "The number of specified values in sparse COO tensors does not match: "
                f"{actual._nnz()} != {expected._nnz()}",
                place,
            )
        _compare_values(
            "Sparse COO indices", actual.indices(), expected.indices(), 0, 0, options, place
        )
        actual, expected = actual.values(), expected.values()
    else:
        actual, expected = (
            each.to_dense() if each.is_sparse else each for each in (actual, expected)
        )
    common = core.promote_types(actual.dtype, expected.dtype)
    actual, expected = actual.cpu().to(common), expected.cpu().to(common)
    _compare_values(kind, actual, expected, rtol, atol, options, place)


def _compare_values(
    kind: str,
    actual: Tensor,
    expected: Tensor,
    rtol: float,
    atol: float,
    options: _Options,
    place: _Place,
) -> None:
    matches = core.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if matches.all().item():
        return
    if actual.ndim == 0:
        _compare_scalars(actual.item(), expected.item(), rtol, atol, options, place, close=False)
    if _is_exact(actual.dtype):
        actual, expected = actual.to(core.int64), expected.to(core.int64)
    mismatched, total = int((~matches).sum()), matches.numel()
    difference = (actual - expected).abs()
    exact = rtol == 0 and atol == 0
    lines = [
        f"{kind} are not {'equal' if exact else 'close'}!\n",
        f"Mismatched elements: {mismatched} / {total} ({mismatched / total:.1%})",
    ]
    for name, values, allowed in (
        ("absolute", difference, atol),
        ("relative", difference / expected.abs(), rtol),
    ):
        # What is close may have a large relative difference; it is not to be shown.
        values = core.where(matches, core.zeros_like(values), values)
        at = int(values.argmax())
        index = tuple(int(i) for i in np.unravel_index(at, tuple(values.shape)))
        largest = values.flatten()[at].item()
        limit = "" if exact else f" (up to {allowed} allowed)"
        lines.append(f"Greatest {name} difference: {largest} at index {index}{limit}")
    options.fail("\n".join(lines), place)


def _is_exact(kind: dtype) -> bool:
    return not (kind.is_floating_point or kind.is_complex)
