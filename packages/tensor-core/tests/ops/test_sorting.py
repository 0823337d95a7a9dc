"""Sorting, selecting, sets and searching against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc

NAN = float("nan")


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("descending", [False, True])
def test_sort_is_stable(dim: int, descending: bool) -> None:
    x = np.random.default_rng(0).integers(0, 4, (6, 7))
    values, indices = lc.sort(lc.from_numpy(x), dim, descending)
    expected = np.argsort(-x if descending else x, dim, kind="stable")
    np.testing.assert_array_equal(indices.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, expected, dim))


def test_nan_is_the_greatest() -> None:
    x = lc.tensor([2.0, NAN, 1.0])
    assert lc.argsort(x).tolist() == [2, 0, 1]
    assert lc.argsort(x, descending=True).tolist() == [1, 0, 2]
    assert math.isnan(lc.topk(x, 1).values.item())
    assert lc.sort(x.to(lc.bfloat16)).indices.tolist() == [2, 0, 1]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_topk(largest: bool, k: int) -> None:
    x = np.random.default_rng(1).permutation(200).reshape(4, 50)
    values, indices = lc.topk(lc.from_numpy(x), k, 1, largest)
    ordered = np.sort(x, 1)
    expected = ordered[:, ::-1][:, :k] if largest else ordered[:, :k]
    np.testing.assert_array_equal(values.numpy(), expected)
    np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), 1), expected)
    with pytest.raises(RuntimeError, match="k out of range"):
        lc.topk(lc.from_numpy(x), 51)


def test_msort_and_scalars() -> None:
    assert lc.msort(lc.tensor([[3, 1], [2, 5]])).tolist() == [[2, 1], [3, 5]]
    assert lc.sort(lc.tensor(3)).indices.item() == 0


def test_unique() -> None:
    x = np.array([[3, 1, 3], [2, 1, 2]])
    values, inverse, counts = lc.unique(lc.from_numpy(x), return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(values.numpy()[inverse.numpy()], x)
    assert counts.tolist() == [2, 2, 2]
    assert lc.unique(lc.from_numpy(x), dim=1).tolist() == [[1, 3], [1, 2]]
    assert lc.unique(lc.tensor([NAN, NAN])).shape == (2,)


def test_unique_consecutive() -> None:
    x = lc.tensor([1, 1, 2, 2, 1])
    values, inverse, counts = lc.unique_consecutive(x, return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 2, 1]
    assert inverse.tolist() == [0, 0, 1, 1, 2]
    assert counts.tolist() == [2, 2, 1]
    rows = lc.tensor([[1, 2], [1, 2], [3, 4]])
    assert lc.unique_consecutive(rows, dim=0).tolist() == [[1, 2], [3, 4]]


def test_isin() -> None:
    x = lc.tensor([[1, 2], [3, 4]])
    assert lc.isin(x, lc.tensor([2, 3])).tolist() == [[False, True], [True, False]]
    assert lc.isin(x, 4, invert=True).tolist() == [[True, True], [True, False]]
    for given in ((x, x > 1), (x > 1, x)):
        with pytest.raises(RuntimeError, match=r"isin\(\)"):
            lc.isin(*given)


@pytest.mark.parametrize("right", [False, True])
def test_searchsorted(right: bool) -> None:
    edges, values = np.array([1.0, 3.0, 3.0, 5.0]), np.array([[0.0, 3.0], [5.0, 9.0]])
    expected = np.searchsorted(edges, values, "right" if right else "left")
    got = lc.searchsorted(lc.from_numpy(edges), lc.from_numpy(values), right=right)
    np.testing.assert_array_equal(got.numpy(), expected)
    got = lc.bucketize(lc.from_numpy(values), lc.from_numpy(edges), right=right)
    np.testing.assert_array_equal(got.numpy(), expected)


def test_the_place_of_a_number_has_no_dimensions() -> None:
    edges = lc.arange(5.0)
    for found in (lc.searchsorted(edges, 1.5), lc.bucketize(1.5, edges)):
        assert found.shape == () and found.item() == np.searchsorted(np.arange(5.0), 1.5)


def test_searchsorted_row_by_row() -> None:
    rows = lc.tensor([[1, 3, 5], [2, 4, 6]])
    assert lc.searchsorted(rows, lc.tensor([[3], [3]])).tolist() == [[1], [1]]
    assert lc.searchsorted(rows, lc.tensor([[6], [6]]), out_int32=True).dtype is lc.int32
    assert lc.searchsorted(lc.tensor([1, 3]), 2).item() == 1
    sorter = lc.tensor([1, 0])
    assert lc.searchsorted(lc.tensor([3, 1]), 2, sorter=sorter).item() == 1
    with pytest.raises(RuntimeError, match="leading dimensions"):
        lc.searchsorted(rows, lc.tensor([1, 2, 3]))
    with pytest.raises(RuntimeError, match="opposites"):
        lc.searchsorted(rows, rows, side="left", right=True)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_topk_and_descending_sort_of_few_elements(axis: int) -> None:
    a = np.random.default_rng(1).permutation(60).reshape(3, 4, 5).astype(np.float32)
    for largest in (True, False):
        values, places = lc.topk(lc.from_numpy(a), 2, axis, largest)
        order = np.argsort(-a if largest else a, axis, kind="stable")
        order = np.take(order, [0, 1], axis)
        np.testing.assert_array_equal(places.numpy(), order)
        np.testing.assert_array_equal(values.numpy(), np.take_along_axis(a, order, axis))
        assert places.is_contiguous()
    values, places = lc.sort(lc.from_numpy(a), axis, descending=True)
    assert places.stride() == (20, 5, 1)
    np.testing.assert_array_equal(values.numpy(), -np.sort(-a, axis))
    np.testing.assert_array_equal(np.take_along_axis(a, places.numpy(), axis), values.numpy())


def test_descending_sort_keeps_the_order_of_equal_elements() -> None:
    nan = float("nan")
    values, places = lc.sort(lc.tensor([1.0, 2.0, nan, 2.0, 1.0, nan]), descending=True)
    assert places.tolist() == [2, 5, 1, 3, 0, 4]
    assert places.stride() == (1,)
    np.testing.assert_array_equal(values.numpy(), [nan, nan, 2, 2, 1, 1])


def test_out_has_the_types_of_the_values_and_the_places() -> None:
    x = lc.tensor([3.0, 1.0, 2.0])
    out = (lc.empty(0), lc.empty(0, dtype=lc.int64))
    values, places = lc.sort(x, out=out)
    assert values is out[0] and places is out[1]
    assert values.tolist() == [1.0, 2.0, 3.0] and places.tolist() == [1, 2, 0]
    ops = (lc.sort, lambda x, out: lc.topk(x, 2, out=out), lambda x, out: lc.max(x, 0, out=out))
    for op in ops:
        with pytest.raises(RuntimeError, match="dtype int64, but got float32"):
            op(x, out=(lc.empty(0), lc.empty(0)))
        with pytest.raises(RuntimeError, match="dtype float32, but got float64"):
            op(x, out=(lc.empty(0, dtype=lc.float64), lc.empty(0, dtype=lc.int64)))
    with pytest.raises(RuntimeError, match="dtype int64, but got int32"):
        lc.argmax(x, out=lc.empty(0, dtype=lc.int32))


def test_what_unique_returns_is_what_was_asked_for() -> None:
    x = np.random.default_rng(0).integers(0, 900, (50, 40))
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    tensor = lc.from_numpy(x)
    np.testing.assert_array_equal(tensor.unique().numpy(), values)
    found = tensor.unique(return_inverse=True)
    assert len(found) == 2
    np.testing.assert_array_equal(found[1].numpy(), inverse.reshape(x.shape))
    found = tensor.unique(return_counts=True)
    assert len(found) == 2
    np.testing.assert_array_equal(found[1].numpy(), counts)
    runs = lc.unique_consecutive(lc.tensor([4, 4, 1, 1, 1, 4]), return_counts=True)
    assert [each.tolist() for each in runs] == [[4, 1, 4], [2, 3, 1]]
    assert lc.unique_consecutive(lc.tensor([])).tolist() == []
    assert lc.tensor([]).unique(return_counts=True)[1].tolist() == []


@pytest.mark.parametrize("kind", ["float32", "float16", "int64", "uint8"])
@pytest.mark.parametrize("right", [False, True])
def test_searching_for_many_values(kind: str, right: bool) -> None:
    rng = np.random.default_rng(0)
    values = (rng.random((500, 400)) * 100).astype(kind)
    edges = np.sort((rng.random(50) * 100).astype(kind))
    expected = np.searchsorted(edges, values, "right" if right else "left")
    for turned in (False, True):
        given = lc.from_numpy(values).t() if turned else lc.from_numpy(values)
        for out_int32 in (False, True):
            found = lc.bucketize(given, lc.from_numpy(edges), right=right, out_int32=out_int32)
            assert found.dtype is (lc.int32 if out_int32 else lc.int64)
            np.testing.assert_array_equal(found.numpy(), expected.T if turned else expected)


def test_values_of_another_type_are_searched_for_in_the_common_one() -> None:
    # PyTorch 2.13: 0.1 in float32 is above 0.1 in float64.
    whole, tenth = lc.tensor([1, 2, 3]), lc.tensor([0.1])
    assert lc.searchsorted(whole, lc.tensor([2.5])).tolist() == [2]
    assert lc.searchsorted(tenth, tenth.double()).tolist() == [0]
    assert lc.searchsorted(lc.tensor([0.1], dtype=lc.float64), tenth).tolist() == [1]


@pytest.mark.parametrize("rows", [3, 900])
def test_bucketize_of_half_precision(rows: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 200)).astype(np.float16)
    edges = np.sort(x[0, :50])
    for right in (False, True):
        got = lc.bucketize(lc.from_numpy(x), lc.from_numpy(edges), right=right)
        expected = np.searchsorted(
            edges.astype(float), x.astype(float), "right" if right else "left"
        )
        np.testing.assert_array_equal(got.numpy(), expected)


def test_sets_that_pytorch_refuses() -> None:
    # The exceptions of PyTorch 2.13.
    for name in ("unique", "unique_consecutive"):
        with pytest.raises(IndexError, match="tensor has no dimensions"):
            getattr(lc, name)(lc.tensor(3.0), dim=0)
        with pytest.raises(NotImplementedError):
            getattr(lc, name)(lc.ones(2, dtype=lc.complex64))
        assert getattr(lc, name)(lc.tensor(3.0)).tolist() == [3.0]
