"""Reading at places; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core

PLACES = core.tensor([0, 1])
M = core.arange(6).reshape(2, 3)
X = core.arange(24.0).reshape(2, 3, 4)


def test_index_select():
    assert X.index_select(1, core.tensor([2, 0, 2])).tolist() == X.numpy()[:, [2, 0, 2]].tolist()
    assert X.index_select(0, core.tensor(0)).shape == (1, 3, 4)
    assert core.tensor(3.0).index_select(0, core.tensor([0])).shape == ()
    out = core.empty(0)
    assert core.index_select(X, 2, PLACES.int(), out=out) is out and out.shape == (2, 3, 2)


def test_gather():
    assert M.gather(0, core.tensor([[0, 1]])).tolist() == [[0, 4]]
    index = core.tensor([[2, 0], [1, 1]])
    expected = np.take_along_axis(M.numpy(), index.numpy(), 1)
    assert M.gather(1, index).tolist() == expected.tolist()
    assert core.gather(core.tensor(4), 0, core.tensor([0, 0])).tolist() == [4, 4]
    assert M.gather(-1, core.zeros(2, 0, dtype=core.int64)).shape == (2, 0)


def test_take():
    assert M.take(core.tensor([[0, -1]])).tolist() == [[0, 5]]
    assert M.t().take(core.tensor([1])).tolist() == [3]
    assert core.take_along_dim(M, core.tensor([[0]]), 1).tolist() == [[0], [3]]
    assert core.take_along_dim(M, core.tensor([[-1]]), 1).tolist() == [[2], [5]]
    assert core.take_along_dim(M, core.tensor([0, 4])).tolist() == [0, 4]
    assert core.take_along_dim(M, core.tensor([0, 4]).int()).tolist() == [0, 4]
    with pytest.raises(RuntimeError, match="should be Long"):
        core.take_along_dim(M, core.tensor([[0]]).int(), 1)


def test_masks_and_places():
    assert M.masked_select(M > 2).tolist() == [3, 4, 5]
    assert M.masked_select(core.tensor([[True], [False]])).tolist() == [0, 1, 2]
    assert M.nonzero().tolist() == np.argwhere(M.numpy()).tolist()
    assert [t.tolist() for t in M.nonzero(as_tuple=True)] == [[0, 0, 1, 1, 1], [1, 2, 0, 1, 2]]
    assert core.nonzero(core.tensor(5)).shape == (1, 0) and core.nonzero(core.tensor(0)).shape == (
        0,
        0,
    )
    assert core.nonzero(core.tensor(5), as_tuple=True)[0].tolist() == [0]
    assert core.argwhere(core.tensor([0.0, float("nan")])).tolist() == [[1]]


def test_where():
    assert core.where(M > 2, M, 0).tolist() == [[0, 0, 0], [3, 4, 5]]
    assert M.where(M > 2, -1).tolist() == [[-1, -1, -1], [3, 4, 5]]
    assert [t.tolist() for t in core.where(M > 3)] == [[1, 1], [1, 2]]
    assert core.where(core.tensor([True]), core.ones(2, 1), core.zeros(3)).shape == (2, 3)


@pytest.mark.parametrize(
    ("input", "other", "dtype"),
    [
        (1, 0, core.int64),
        (1.0, 0, core.float32),
        (M, 0.5, core.float32),
        (M.double(), M.float(), core.float64),
        (core.tensor(1.0, dtype=core.float64), M, core.float64),
        (M.half(), 2.5, core.float16),
        (1j, M, core.complex64),
        (True, False, core.bool),
    ],
)
def test_where_promotes(input, other, dtype):
    assert core.where(M > 2, input, other).dtype is dtype


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: X.index_select(0, core.tensor([5])), IndexError, "index out of range in self"),
        (lambda: X.index_select(0, core.tensor([-1])), IndexError, "index out of range in self"),
        (lambda: X.index_select(0, core.tensor([[0]])), IndexError, "supposed to be a vector"),
        (lambda: X.index_select(0, core.tensor([0.0])), RuntimeError, "int32/int64"),
        (lambda: X.index_select(7, PLACES), IndexError, "but got 7"),
        (lambda: M.gather(0, PLACES), RuntimeError, "same number of dimensions"),
        (lambda: M.gather(0, core.tensor([[2]])), RuntimeError, "index 2 is out of bounds for dim"),
        (lambda: M.gather(0, core.tensor([[-1]])), RuntimeError, "index -1 is out of bounds"),
        (lambda: PLACES.gather(0, core.tensor([-2])), RuntimeError, "index -2 is out of bounds"),
        (
            lambda: PLACES.gather(0, core.tensor([0, -1], dtype=core.int32)),
            RuntimeError,
            "index -1 is out of bounds",
        ),
        (lambda: M.gather(0, core.tensor([[0] * 5])), RuntimeError, "no larger than self"),
        (lambda: M.gather(0, core.tensor([[0.0]])), RuntimeError, "int32/int64"),
        (lambda: M.gather(0, core.tensor([[0]]), out=core.empty(0)), RuntimeError, "float32"),
        (lambda: M.take(core.tensor([6])), IndexError, "access index 6 on a tensor of 6 elements"),
        (lambda: M.take(core.tensor([1.0])), RuntimeError, "but got Float"),
        (lambda: core.take_along_dim(M, PLACES, 1), RuntimeError, "same number of dimensions"),
        (lambda: M.masked_select(M), RuntimeError, "expected BoolTensor"),
        (lambda: core.where(M, M, 0), RuntimeError, "boolean tensor, but got.*Long"),
        (lambda: core.where(M > 2, M, X), RuntimeError, r"\(3\) must match.*\(4\)"),
        (lambda: core.where(M > 2, "a", 1), TypeError, "not str"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_places_and_coordinates():
    assert [t.tolist() for t in core.unravel_index(core.tensor([5, 2]), (2, 3))] == [[1, 0], [2, 2]]
    assert [t.item() for t in core.unravel_index(core.tensor(-1), (2, 3))] == [1, 2]
    coordinates = core.unravel_index(core.tensor([200], dtype=core.uint8), (2, 1000))
    assert [(t.dtype, t.item()) for t in coordinates] == [(core.int64, 0), (core.int64, 200)]
    found = core.nonzero_static(core.tensor([1, 0, 2]), size=3)
    assert found.tolist() == [[0], [2], [-1]]
    assert core.nonzero_static(core.tensor([1, 0, 2]), size=1).tolist() == [[0]]
    with pytest.raises(ValueError, match="negative"):
        core.unravel_index(core.tensor([1]), (2, -3))
    with pytest.raises(TypeError, match="integer dtype"):
        core.unravel_index(core.ones(1), (2, 3))


@pytest.mark.parametrize("shape", [(3, 4, 5), (30, 40, 50)])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_gather_along_each_dimension(shape: tuple[int, ...], dim: int) -> None:
    rng = np.random.default_rng(2)
    a = rng.standard_normal(shape)
    for sizes in (shape, tuple(2 for _ in shape)):
        index = rng.integers(0, shape[dim], sizes)
        part = a[tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(sizes))]
        expected = np.take_along_axis(part, index, dim)
        for given in (core.from_numpy(a), core.from_numpy(np.asfortranarray(a))):
            np.testing.assert_array_equal(
                core.gather(given, dim, core.from_numpy(index)).numpy(), expected
            )


def test_where_with_a_number_keeps_the_type() -> None:
    mask = core.tensor([True, False])
    for dtype in (core.float16, core.float32, core.float64):
        x = core.tensor([1.0, 2.0], dtype=dtype)
        assert core.where(mask, x, 0).dtype is dtype
        assert core.where(mask, 0.5, x).tolist() == [0.5, 2.0]
    # A number of a higher category brings the default type of its own.
    assert core.where(mask, core.tensor([1, 2]), 0.5).dtype is core.float32
    assert core.where(mask, core.tensor([True, True]), 3).dtype is core.int64


@pytest.mark.parametrize("index", [[0, -1], [0, 3]])
def test_an_index_out_of_range_is_named(index: list[int]) -> None:
    wrong = index[1]
    with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds"):
        core.gather(core.zeros(3), 0, core.tensor(index))
    with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds"):
        core.gather(core.zeros(3, 2), 0, core.tensor([index]))
    if wrong > 0:
        with pytest.raises(IndexError, match=f"index {wrong} "):
            core.take(core.zeros(3), core.tensor(index))
    assert core.take(core.arange(3), core.tensor([-3, 2])).tolist() == [0, 2]


VIEWS = {
    "turned": lambda a: a.reshape(200, 300).T,
    "with gaps": lambda a: a.reshape(200, 300)[3:, 5:290:2],
    "few columns": lambda a: a.reshape(20_000, 3)[:, :2],
    "of one dimension": lambda a: a[::3],
    "permuted": lambda a: a.reshape(4, 30, 10, 50).transpose(0, 3, 1, 2),
    "expanded": lambda a: np.broadcast_to(a[:300], (200, 300)),
}


@pytest.mark.parametrize("layout", VIEWS)
@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_reading_from_large_views(layout: str, kind: type) -> None:
    rng = np.random.default_rng(0)
    base = (rng.random(60_000) * 100).astype(kind)
    array = VIEWS[layout](base)
    whole = core.from_numpy(base)
    steps = [step // array.itemsize for step in array.strides]
    offset = (array.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // (
        array.itemsize
    )
    view = core.as_strided(whole, array.shape, steps, offset)
    for dim, size in enumerate(array.shape):
        before = (slice(None),) * dim
        for count in (0, 1, size, 2 * size):
            at = rng.integers(0, size, count)
            found = view.index_select(dim, core.from_numpy(at))
            assert found.is_contiguous()
            np.testing.assert_array_equal(found.numpy(), array[(*before, at)])
        at = rng.integers(-size, size, (3, 5))
        found = view[(*before, core.from_numpy(at))]
        np.testing.assert_array_equal(found.numpy(), array[(*before, at)])
        mask = rng.random(size) < 0.3
        found = view[(*before, core.from_numpy(mask))]
        assert found.is_contiguous()
        np.testing.assert_array_equal(found.numpy(), array[(*before, mask)])
        with pytest.raises(IndexError, match="out of bounds"):
            view[(*before, core.tensor([0, size]))]
    for at in (rng.integers(-array.size, array.size, (40, 50)), np.array(-1)):
        found = view.take(core.from_numpy(at)).numpy()
        np.testing.assert_array_equal(found, array.reshape(-1)[at])
    np.testing.assert_array_equal((view > 50).nonzero().numpy(), np.argwhere(array > 50))


@pytest.mark.parametrize("shape", [(2, 100_000), (2, 3, 40_000), (3, 50, 2000)])
def test_places_in_long_rows(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).random(shape) < 0.5
    found = core.from_numpy(array).nonzero().numpy()
    np.testing.assert_array_equal(found, np.argwhere(array))
    turned = core.from_numpy(array).transpose(0, 1).nonzero().numpy()
    np.testing.assert_array_equal(turned, np.argwhere(array.swapaxes(0, 1)))
