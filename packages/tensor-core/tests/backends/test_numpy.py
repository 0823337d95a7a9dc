"""The NumPy backend's methods, against NumPy's own account of the arrays."""

import numpy as np
import pytest

from lamella_core.backends.numpy import NumpyBackend
from lamella_core.device import CPU

backend = NumpyBackend()

LAYOUTS = {
    "contiguous": lambda base: base,
    "transposed": lambda base: base.T,
    "sliced": lambda base: base[1:, ::2],
    "fortran": np.asfortranarray,
    "zero_dim": lambda base: base[1, 2, ...],
    "empty": lambda base: base[:0],
    "broadcast": lambda base: np.broadcast_to(base[:, :1], (4, 6)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_strided_view_of_the_root_is_the_array(layout: str) -> None:
    array = LAYOUTS[layout](np.arange(24.0).reshape(4, 6))
    root = backend.root(array)
    assert root.ndim == 1
    assert root.flags.c_contiguous
    offset = (backend.data_ptr(array) - backend.data_ptr(root)) // 8 if array.size else 0
    again = backend.as_strided(root, array.dtype, array.shape, backend.strides(array), offset)
    np.testing.assert_array_equal(again, array)
    if array.size:
        assert np.shares_memory(again, array)


def test_strides_are_in_elements() -> None:
    assert backend.strides(np.zeros((4, 6), np.float32)[:, ::2]) == (6, 2)


def test_from_numpy_copies_and_keeps_the_order() -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    copy = backend.from_numpy(array, CPU)
    assert not np.shares_memory(copy, array)
    assert copy.strides == array.strides


def test_copy_into_converts_and_broadcasts() -> None:
    target = np.zeros((2, 2), np.int32)
    backend.copy_into(target, np.array([1.9, -1.9]))
    np.testing.assert_array_equal(target, [[1, -1], [1, -1]])


@pytest.mark.parametrize(("elements", "expected"), [([], True), ([1, 1], True), ([1, 0], False)])
def test_whether_all_are_true(elements: list[int], expected: bool) -> None:
    assert backend.all_true(np.array(elements, bool)) is expected
