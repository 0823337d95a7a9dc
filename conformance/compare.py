"""Compares a candidate's result with PyTorch's: structure, dtype, shape, strides, values.

Values are held to the tolerances of ``torch.testing.assert_close`` for their dtype, or to the
wider ones that the database gives for the op.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from carry import short_name, to_numpy

Tolerance = tuple[float, float]

# (rtol, atol) of torch.testing.assert_close; every other dtype must agree exactly.
TOLERANCES: dict[str, Tolerance] = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex32": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
EXACT: Tolerance = (0.0, 0.0)

# The database's overrides for tests that, like this one, compare two implementations.
OVERRIDE_SUITES = frozenset(
    (None, "TestCommon", "TestUnaryUfuncs", "TestBinaryUfuncsDevice", "TestReductions",
     "TestOperators", "TestMathBits")
)  # fmt: skip


class Mismatch(Exception):
    """The candidate's result differs; the text says where and how."""


class ValueMismatch(Mismatch):
    """Only the values differ: structure, dtype and shape agree."""


def tolerances(op: Any, dtype: str) -> dict[str, Tolerance]:
    """Tolerance by result dtype for an op run on inputs of ``dtype``."""
    table = dict(TOLERANCES)
    if dtype not in table:
        return table
    rtol, atol = table[dtype]
    for decorate in op.decorators:
        device = getattr(decorate, "device_type", None)
        if (
            device not in (None, "cpu")
            or getattr(decorate, "cls_name", None) not in OVERRIDE_SUITES
        ):
            continue
        for decorator in getattr(decorate, "decorators", (decorate,)):
            override = _override(decorator, dtype)
            rtol, atol = max(rtol, override[0]), max(atol, override[1])
    table[dtype] = (rtol, atol)
    return table


def _override(decorator: Any, dtype: str) -> Tolerance:
    kind = type(decorator).__name__
    if kind == "toleranceOverride":
        found = decorator.d.get(getattr(torch, dtype))
        return (found.rtol, found.atol) if found is not None else EXACT
    if kind == "precisionOverride":
        return 0.0, decorator.d.get(getattr(torch, dtype), 0.0)
    return EXACT


def compare(
    expected: Any,
    actual: Any,
    module: ModuleType,
    table: dict[str, Tolerance],
    *,
    values: bool = True,
    strides: bool = False,
    where: str = "result",
) -> None:
    """Raises Mismatch unless ``module``'s result ``actual`` agrees with PyTorch's ``expected``."""
    options: dict[str, Any] = {"values": values, "strides": strides}
    if isinstance(expected, torch.Tensor):
        _compare_tensor(expected, actual, module, table, where=where, **options)
    elif isinstance(expected, (tuple, list)):
        _compare_sequence(expected, actual, module, table, where=where, **options)
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or list(expected) != list(actual):
            raise Mismatch(f"{where} is {actual!r:.60}, expected a dict with {list(expected)}")
        for name, item in expected.items():
            compare(item, actual[name], module, table, where=f"{where}[{name!r}]", **options)
    elif isinstance(expected, (torch.dtype, torch.layout, torch.device)):
        if short_name(expected) != short_name(actual):
            raise Mismatch(f"{where} is {actual}, expected {expected}")
    else:
        _compare_plain(expected, actual, where)


def _compare_plain(expected: Any, actual: Any, where: str) -> None:
    if type(expected) is not type(actual):
        raise Mismatch(
            f"{where} is {actual!r:.60} ({type(actual).__name__}), expected {expected!r}"
        )
    if isinstance(expected, (float, complex)):
        if not np.isclose(actual, expected, *TOLERANCES["float32"], equal_nan=True):
            raise ValueMismatch(f"{where} is {actual!r}, expected {expected!r}")
    elif expected is not actual and expected != actual:
        raise Mismatch(f"{where} is {actual!r}, expected {expected!r}")


def field_names(value: Any) -> tuple[str, ...]:
    """The names of a named tuple's fields, none for a plain one."""
    if hasattr(value, "_fields"):
        return tuple(value._fields)
    if hasattr(value, "n_fields"):
        return tuple(type(value).__match_args__)
    return ()


def _compare_sequence(
    expected: Any, actual: Any, module: ModuleType, table: dict[str, Tolerance], *,
    where: str, **options: Any,
) -> None:  # fmt: skip
    kind = tuple if isinstance(expected, tuple) else list
    if not isinstance(actual, kind):
        raise Mismatch(f"{where} is a {type(actual).__name__}, expected a {kind.__name__}")
    if isinstance(expected, torch.Size) and not isinstance(actual, module.Size):
        raise Mismatch(f"{where} is a {type(actual).__name__}, expected a Size")
    if len(expected) != len(actual):
        raise Mismatch(f"{where} has {len(actual)} items, expected {len(expected)}")
    for index, name in enumerate(field_names(expected)):
        if getattr(actual, name, None) is not actual[index]:
            raise Mismatch(f"{where} has no field {name!r} that is its item {index}")
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        compare(one, other, module, table, where=f"{where}[{index}]", **options)


def _compare_tensor(
    expected: torch.Tensor, actual: Any, module: ModuleType, table: dict[str, Tolerance], *,
    values: bool, strides: bool, where: str,
) -> None:  # fmt: skip
    if not isinstance(actual, module.Tensor):
        raise Mismatch(f"{where} is a {type(actual).__name__}, expected a Tensor")
    dtype = short_name(expected.dtype)
    if short_name(actual.dtype) != dtype:
        raise Mismatch(f"{where} has dtype {short_name(actual.dtype)}, expected {dtype}")
    if tuple(actual.shape) != tuple(expected.shape):
        raise Mismatch(f"{where} has shape {tuple(actual.shape)}, expected {tuple(expected.shape)}")
    if str(actual.device) != str(expected.device):
        raise Mismatch(f"{where} is on {actual.device}, expected {expected.device}")
    if strides:
        compare_strides(expected, actual, where)
    if values:
        compare_arrays(
            to_numpy(expected, torch), to_numpy(actual, module), table.get(dtype, EXACT), where
        )


def compare_strides(expected: torch.Tensor, actual: Any, where: str) -> None:
    """Strides must agree where they say something: in dimensions of more than one element."""
    if expected.numel() == 0:
        return
    wanted, found = expected.stride(), tuple(actual.stride())
    for size, one, other in zip(expected.shape, wanted, found, strict=True):
        if size > 1 and one != other:
            raise Mismatch(f"{where} has strides {found}, expected {wanted}")


def compare_arrays(
    expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance, where: str
) -> None:
    """Raises ValueMismatch unless all elements agree, counting NaN equal to NaN."""
    rtol, atol = tolerance
    if expected.dtype.kind not in "fc":
        wrong = expected != actual
    else:
        if expected.dtype == np.float16:
            expected, actual = expected.astype(np.float32), actual.astype(np.float32)
        wrong = ~np.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return
    with np.errstate(all="ignore"):
        if expected.dtype.kind in "fc":
            gap = np.abs(actual - expected)
            worst = np.unravel_index(np.argmax(np.where(wrong, np.nan_to_num(gap), -1)), gap.shape)
        else:
            worst = tuple(index[0] for index in np.nonzero(np.atleast_1d(wrong)))[: wrong.ndim]
    at = f"[{', '.join(str(int(index)) for index in worst)}]" if worst else ""
    raise ValueMismatch(
        f"{where}{at} is {actual[worst]}, expected {expected[worst]}"
        f" ({np.count_nonzero(wrong)} of {wrong.size} elements differ)"
    )


def same_but_for_ties(
    expected: Any, actual: Any, input: torch.Tensor, dim: int, module: ModuleType
) -> bool:
    """Whether indices along a dimension find the same elements: equal ones, each but once."""
    if isinstance(expected, tuple):
        (values, expected), (found, actual) = expected, actual
        if not np.array_equal(to_numpy(values, torch), to_numpy(found, module), equal_nan=True):
            return False
    elements, one, other = (
        to_numpy(input, torch),
        to_numpy(expected, torch),
        to_numpy(actual, module),
    )
    if not elements.ndim or other.min() < 0 or other.max() >= elements.shape[dim]:
        return False
    if one.ndim < elements.ndim:
        one, other = np.expand_dims(one, dim), np.expand_dims(other, dim)
    if (np.diff(np.sort(other, dim), axis=dim) == 0).any():
        return False
    one, other = (np.take_along_axis(elements, index, dim) for index in (one, other))
    return np.array_equal(one, other, equal_nan=elements.dtype.kind in "fc")


def as_near_to_the_truth(
    expected: Any, actual: Any, truth: Any, module: ModuleType, together: bool = False
) -> bool:
    """Whether ``actual`` is at most twice as far from the wider result ``truth`` as PyTorch's is.

    Rounding in single precision can exceed the fixed tolerances on ill-conditioned inputs, for
    PyTorch as for the candidate; neither is then the nearer to call right. Of several results each
    must be so near, or ``together`` the farthest of them: one order of summation serves one
    gradient of a call better than another.
    """
    if not isinstance(expected, (tuple, list)):
        theirs, ours = _distances(expected, actual, truth, module)
        return ours <= 2 * theirs
    if len(expected) != len(truth):
        return False
    each = zip(expected, actual, truth, strict=True)
    if not together:
        return all(as_near_to_the_truth(*items, module) for items in each)
    theirs, ours = zip(*(_distances(*items, module) for items in each), strict=True)
    return max(ours) <= 2 * max(theirs)


def _distances(expected: Any, actual: Any, truth: Any, module: ModuleType) -> tuple[float, float]:
    """PyTorch's largest difference from the truth and the candidate's, by the largest number."""
    apart = (0.0, np.inf)
    if not isinstance(expected, torch.Tensor):
        return (0.0, 0.0) if expected == actual else apart
    one, other, wide = to_numpy(expected, torch), to_numpy(actual, module), to_numpy(truth, torch)
    if one.dtype.kind not in "fc":
        return (0.0, 0.0) if np.array_equal(one, other) else apart
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(other)) or not np.isfinite(wide[finite]).all():
        return apart
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return apart
    one, other, wide = (each[finite] for each in (one, other, wide))
    scale = np.abs(wide).max(initial=0.0) or 1.0
    return tuple(np.abs(each - wide).max(initial=0.0) / scale for each in (one, other))
