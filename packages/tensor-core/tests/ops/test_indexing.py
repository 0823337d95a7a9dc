"""Indexing held to NumPy, where the rules agree, and to what PyTorch 2.13 gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core

X = core.arange(24.0).reshape(2, 3, 4)
A = X.numpy()
PLACES = core.tensor([0, 1])
MASK = core.tensor([[True, False, True], [False, False, True]])


def as_numpy(index):
    if isinstance(index, tuple):
        return tuple(map(as_numpy, index))
    return index.numpy() if isinstance(index, core.Tensor) else index


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        (0, 1),
        (0, 1, 2),
        slice(1, None),
        (slice(None), slice(0, 3, 2)),
        slice(5, 1),
        ...,
        (..., 0),
        (0, ..., 1),
        None,
        (slice(None), None, 1),
        (None, ..., None),
        (),
        np.int64(1),
        PLACES,
        (slice(None), PLACES),
        (..., PLACES),
        (PLACES, slice(None), PLACES),
        (slice(None), PLACES, PLACES),
        (PLACES, None, PLACES),
        (PLACES[:, None], PLACES),
        (0, PLACES),
        (PLACES, 0),
        [0, 1],
        (slice(None), [2, 0]),
        ([0, 1], [1, 2]),
        core.tensor([[0, 1], [1, 0]]),
        core.tensor([-1, 0]),
        MASK,
        X > 3,
        (core.tensor([True, False]), slice(1, 2)),
        (slice(None), core.tensor([True, False, True]), PLACES),
        [True, False],
        (slice(None), [True, False, True]),
        True,
        False,
        (slice(None), True),
        core.tensor([], dtype=core.int64),
        (PLACES, slice(None), core.tensor([True, False, True, False])),
        np.array([1, 0]),
    ],
    ids=repr,
)
def test_getitem_as_numpy(index):
    found = X[index]
    expected = A[as_numpy(index)]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)


def test_views_and_copies():
    assert X[0, 1:].untyped_storage() is X.untyped_storage()
    assert X[..., None].untyped_storage() is X.untyped_storage()
    assert X[PLACES].untyped_storage() is not X.untyped_storage()
    assert X[:, core.tensor(1)].untyped_storage() is X.untyped_storage()
    assert X[:, PLACES].is_contiguous() and X[:, :, PLACES].is_contiguous()


def test_integers_go_before_index_tensors():
    # In NumPy an integer beside an index array counts as one; in PyTorch it makes a view first.
    assert X[0, :, PLACES].tolist() == A[0][:, [0, 1]].tolist()


def test_zero_dim_indices():
    assert X[core.tensor(1)].tolist() == A[1].tolist()
    assert X[core.tensor(True)].shape == (1, 2, 3, 4)
    assert core.tensor(5.0)[None].shape == (1,)
    assert core.tensor(5.0)[...].item() == core.tensor(5.0)[()].item() == 5.0
    assert core.tensor(5.0)[core.tensor(False)].shape == (0,)
    assert X[((0, 1), (1, 2))].shape == (2, 4)
    assert X[range(2)].shape == (2, 3, 4)


def test_uint8_masks_are_deprecated():
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        assert X[MASK.byte()].tolist() == A[MASK.numpy()].tolist()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: X[5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        (lambda: X[0, 5], IndexError, "index 5 is out of bounds for dimension 1 with size 3"),
        (lambda: X[0, 0, 0, 0], IndexError, "too many indices for tensor of dimension 3"),
        (lambda: X[0, 0, 0, PLACES], IndexError, "too many indices for tensor of dimension 3"),
        (lambda: X[1.5], IndexError, "only integers, slices"),
        (lambda: X["a"], TypeError, "invalid data type 'str'"),
        (lambda: X[::-1], ValueError, "step must be greater than zero"),
        (lambda: X[::0], ValueError, "slice step cannot be zero"),
        (lambda: X[..., ..., 0], IndexError, "too many indices"),
        (lambda: X[np.bool_(True)], IndexError, "only integers, slices"),
        (lambda: X[core.tensor([5])], IndexError, "index 5 is out of bounds for dimension 0"),
        (lambda: X[:, core.tensor([-4])], IndexError, "-4 is out of bounds for dimension 1"),
        (lambda: X[core.tensor([1.5])], IndexError, "long, int, byte or bool"),
        (lambda: X[PLACES.short()], IndexError, "long, int, byte or bool"),
        (lambda: X[[0, 1], [0, 1, 2]], IndexError, "shape mismatch"),
        (lambda: X[core.ones(3).bool()], IndexError, r"mask \[3\] at index 0.*\[2, 3, 4\]"),
        (lambda: core.tensor(5)[0], IndexError, "invalid index of a 0-dim tensor"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, 5.0),
        ((0, 1), [1.0, 2.0, 3.0, 4.0]),
        ((slice(None), slice(0, 2)), 7),
        ((..., 0), [[1.0, 2.0, 3.0]]),
        (PLACES, 3.0),
        ((slice(None), PLACES), 2.0),
        ((PLACES, slice(None), PLACES), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        (MASK, 0.0),
        (X > 3, -1.0),
        ((0, PLACES), [1.0, 2.0, 3.0, 4.0]),
        (True, 4.0),
        (False, 4.0),
        ((0, 0, 0), 9.0),
    ],
    ids=repr,
)
def test_setitem_as_numpy(index, value):
    tensor, array = X.clone(), A.copy()
    tensor[index] = core.tensor(value) if isinstance(value, list) else value
    array[as_numpy(index)] = value
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_setitem_converts():
    x = core.zeros(3, dtype=core.int64)
    x[0] = 1.7
    x[1:] = core.tensor([2.7, 3.2])
    assert x.tolist() == [1, 2, 3]
    x[1] = core.ones(1, 1)
    x[2] = np.float32(8)
    assert x.tolist() == [1, 1, 8]
    for wrong in ([1], "a", None):
        with pytest.raises(TypeError, match="can't assign a"):
            x[0] = wrong
    with pytest.raises(RuntimeError, match="without overflow"):
        x[0] = 1j
    with pytest.raises(RuntimeError, match="size|shape"):
        x[:] = core.ones(4)
    with pytest.raises(RuntimeError, match="shape mismatch: value tensor of shape"):
        x[PLACES] = core.ones(3, dtype=core.int64)
    with pytest.raises(IndexError, match="out of bounds for dimension 0"):
        x[core.tensor([7])] = 1
    # Elements at places are of the type of the tensor; one number for a mask is converted.
    before = x.tolist()
    for place in (PLACES, x > 0):
        with pytest.raises(RuntimeError, match="dtypes match, got Long .* Float"):
            x[place] = core.ones(2)
    assert x.tolist() == before
    x[x > 1] = core.tensor(5.7)
    assert x.tolist() == [1, 1, 5]


def test_a_write_reads_first():
    x = core.arange(6)
    x[:3] = x[::2]
    assert x.tolist() == [0, 2, 4, 3, 4, 5]
    with pytest.raises(RuntimeError, match="single memory location"):
        x[1:] = x[:-1]


def test_index_put():
    x = core.zeros(3)
    places = core.tensor([0, 0, 2])
    values = core.tensor([1.0, 2.0, 3.0])
    assert x.index_put((places,), values, accumulate=True).tolist() == [3.0, 0.0, 3.0]
    assert x.tolist() == [0.0] * 3
    assert x.index_put_((core.tensor([True, False, True]),), core.tensor(5.0)) is x
    assert x.tolist() == [5.0, 0.0, 5.0]
    y = core.zeros(2, 3).index_put((None, core.tensor([1])), core.tensor(2.0))
    assert y.tolist() == [[0.0, 2.0, 0.0]] * 2
    with pytest.raises(RuntimeError, match="dtypes match, got Float"):
        x.index_put((places,), values.double())
    with pytest.raises(TypeError, match="must be tuple of Tensors"):
        x.index_put(places, values)
    with pytest.raises(IndexError, match="too many indices"):
        x.index_put((places, places), values)


def test_a_second_ellipsis_goes_past_nothing_more() -> None:
    assert X[..., ...].shape == X.shape
    assert X[0, ..., 1, ...].tolist() == X[0, ..., 1].tolist()


@pytest.mark.parametrize(
    ("index", "strides"),
    # What PyTorch 2.13 gives for a contiguous tensor of shape (3, 4, 5).
    [
        (None, (60, 20, 5, 1)),
        ((slice(None), None), (20, 20, 5, 1)),
        ((0, None, ..., None), (20, 5, 1, 1)),
        ((..., None), (20, 5, 1, 1)),
        (slice(1, 1), (20, 5, 1)),
        ([], (20, 5, 1)),
    ],
)
def test_strides_of_new_and_of_empty_dimensions(index: Any, strides: tuple[int, ...]) -> None:
    assert core.arange(60).reshape(3, 4, 5)[index].stride() == strides


def test_a_list_of_sequences_stands_for_a_tuple() -> None:
    x = core.arange(60).reshape(3, 4, 5)
    array = x.numpy()
    for index in ([[0, 1], [1, 0]], [slice(0, 2)], [None, 0], [core.tensor(0), core.tensor(1)]):
        with pytest.warns(UserWarning, match="stands for a tuple"):
            found = x[index]
        plain = tuple(int(i) if isinstance(i, core.Tensor) else i for i in index)
        np.testing.assert_array_equal(found.numpy(), array[plain])
    np.testing.assert_array_equal(x[[2, 0]].numpy(), array[[2, 0]])
    np.testing.assert_array_equal(x[np.array([[0, 1]])].numpy(), array[[[0, 1]], :])
    assert x[[1.7]].tolist() == x[[1]].tolist()


def test_a_mask_of_the_same_shape_is_given_a_number():
    x = core.zeros(2, 3)
    x[core.tensor([[True, False, True], [False, False, True]])] = 2
    assert x.tolist() == [[2, 0, 2], [0, 0, 2]]
    one = core.tensor(1.0)
    one[core.tensor(True)] = 3.5
    assert one.item() == 3.5
    whole = core.arange(3)
    whole[whole > 0] = 7.9
    assert whole.tolist() == [0, 7, 7]


def test_assignment_of_another_shape_names_the_sizes() -> None:
    z = core.zeros(2, 2)
    with pytest.raises(RuntimeError, match=r"expanded size of the tensor \(2\) must match the ex"):
        z[0:1] = core.ones(3)
    with pytest.raises(RuntimeError, match=r"dimension 1.  Target sizes: \[1, 2\].  Tensor size"):
        z[0:1] = core.ones(3)


def test_values_of_two_dimensions_for_a_mask():
    x = core.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="shape mismatch"):
        x[x > 0] = core.tensor([[1], [2], [3]])


def test_a_part_of_the_tensor_is_spread_over_it() -> None:
    x = core.arange(6).reshape(2, 3)
    x[:] = x[1]
    assert x.tolist() == [[3, 4, 5], [3, 4, 5]]
    x[x > 4] = x[0, 0]
    assert x.tolist() == [[3, 4, 3], [3, 4, 3]]
    with pytest.raises(RuntimeError, match="single memory location"):
        x[0, 1:] = x[0, :-1]


def test_expanded_tensors_are_written_to_with_a_warning() -> None:
    x = core.zeros(3).expand(2, 3)
    with pytest.warns(UserWarning, match="index_put_ on expanded tensors"):
        x[core.tensor([0])] = core.ones(3)
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]
