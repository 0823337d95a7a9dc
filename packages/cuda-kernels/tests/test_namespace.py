"""The forms that CuPy's functions lack, put together over NumPy, against NumPy's own."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from lamella_cuda_kernels.namespace import Function, Namespace

random = np.random.default_rng(0)


@pytest.fixture
def namespace() -> Any:
    asked = []

    @contextmanager
    def errstate(*, linalg: str) -> Any:
        asked.append(linalg)
        yield

    made = Namespace(np, errstate)
    made.asked = asked
    return made


@pytest.mark.parametrize("length", [1, 2, 7, 8, 33])
@pytest.mark.parametrize("name", ["maximum", "minimum", "logaddexp"])
def test_running_forms(namespace: Any, name: str, length: int) -> None:
    array = random.normal(size=(3, length, 2))
    if name != "logaddexp":
        array[1, length // 2, 0] = np.nan
    found = getattr(namespace, name).accumulate(array, 1)
    np.testing.assert_allclose(found, getattr(np, name).accumulate(array, 1), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "f2", "f4", "c8", "?"])
@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum"])
def test_repeated_places(namespace: Any, name: str, dtype: str) -> None:
    if dtype == "c8" and name in ("maximum", "minimum"):
        pytest.skip("complex numbers have no order")
    array = random.integers(0, 3, (4, 5)).astype(dtype)
    rows, columns = random.integers(0, 4, 30), random.integers(0, 5, 30)
    values = random.integers(0, 3, 30).astype(dtype)
    expected = array.copy()
    getattr(np, name).at(expected, (rows, columns), values)
    getattr(namespace, name).at(array, (rows, columns), values)
    np.testing.assert_array_equal(array, expected)


def test_repeated_slices_and_numbers() -> None:
    for form in (Function(np, np.multiply), Function(np, np.add, atomic=np.add)):
        array = np.ones((3, 4))
        expected = array.copy()
        form._ufunc.at(expected, (slice(None), np.array([1, 1, 3])), 2.0)
        form.at(array, (slice(None), np.array([1, 1, 3])), 2.0)
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("name", "table"), [("logical_and", "0001"), ("logical_or", "0111"), ("logical_xor", "0110")]
)
def test_truth_of_complex_numbers(namespace: Any, name: str, table: str) -> None:
    left, right = np.array([0, 0, 1j, 2]), np.array([0, 1j, 0, 1])
    np.testing.assert_array_equal(
        getattr(namespace, name)(left, right), [each == "1" for each in table]
    )
    np.testing.assert_array_equal(namespace.logical_not(left), [True, True, False, False])


def test_masks_add_up_as_truth(namespace: Any) -> None:
    for name, start in (("logical_or", False), ("logical_and", True)):
        mask = np.full(3, start)
        getattr(namespace, name).at(mask, np.array([0, 0, 2]), np.array([True, False, not start]))
        expected = np.full(3, start)
        getattr(np, name).at(expected, np.array([0, 0, 2]), np.array([True, False, not start]))
        np.testing.assert_array_equal(mask, expected)


def test_factorizations_are_asked_to_raise(namespace: Any) -> None:
    np.testing.assert_allclose(namespace.linalg.inv(np.eye(2) * 4), np.eye(2) / 4)
    assert namespace.asked == ["raise"]


def test_other_names_are_the_modules_own(namespace: Any) -> None:
    assert namespace.exp is np.exp
    with pytest.raises(AttributeError):
        namespace.no_such_name  # noqa: B018
