from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_cpu_kernels import _native

RANDOM = np.random.default_rng(0)
SHAPES = [((40,), 0), ((4, 9), 1), ((9, 4), 0), ((3, 8, 5), 1), ((1, 700_000), 1), ((800, 900), 0)]


def numbers(shape, kind):
    return RANDOM.integers(0, 100, shape).astype(kind)


@pytest.mark.parametrize("kind", ["?", "i1", "f2", "f4", "i4", "f8", "i8"])
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_reading(kind, shape, dim, threads) -> None:
    given = numbers(shape, kind)
    index = RANDOM.integers(0, shape[dim], (*shape[:dim], 11, *shape[dim + 1 :]))
    result = np.empty(index.shape, kind)
    assert _native.gather(given, dim, index, result, threads)
    np.testing.assert_array_equal(result, np.take_along_axis(given, index, dim))


@pytest.mark.parametrize("kind", ["?", "i1", "f2", "f4", "i4", "f8", "i8"])
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_writing(kind, shape, dim, threads) -> None:
    # No place twice: which of several values stands is nowhere said.
    index = np.argsort(RANDOM.random(shape), dim).take(range(min(shape[dim], 7)), dim)
    for source in (numbers(index.shape, kind), np.asarray(3, kind)):
        target = numbers(shape, kind)
        expected = target.copy()
        np.put_along_axis(expected, index, source, dim)
        assert _native.scatter(target, dim, index, source, False, threads)
        np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("kind", ["f4", "i4", "f8", "i8"])
@pytest.mark.parametrize(("shape", "dim"), SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_adding(kind, shape, dim, threads) -> None:
    index = RANDOM.integers(0, shape[dim], (*shape[:dim], 30, *shape[dim + 1 :]))
    source, target = numbers(index.shape, kind) / 8, numbers(shape, kind)
    source, expected = source.astype(kind), target.copy()
    place = list(np.indices(index.shape, sparse=True))
    place[dim] = index
    np.add.at(expected, tuple(place), source)
    assert _native.scatter(target, dim, index, source, True, threads)
    np.testing.assert_array_equal(target, expected)


def test_integers_wrap_around() -> None:
    for kind in (np.int32, np.int64):
        target = np.full(2, np.iinfo(kind).max, kind)
        assert _native.scatter(target, 0, np.array([1]), np.array([1], kind), True, 1)
        assert target.tolist() == [np.iinfo(kind).max, np.iinfo(kind).min]


@pytest.mark.parametrize("wrong", [3, -1, -(2**63)])
def test_places_out_of_range_are_left_to_the_kernel_below(wrong) -> None:
    target, index = np.zeros((3, 2), np.float32), np.array([[0, 1], [2, wrong]])
    source = np.ones((2, 2), np.float32)
    for adds in (True, False):
        assert not _native.scatter(target, 0, index, source, adds, 1)
    assert not _native.gather(target, 0, index, np.empty((2, 2), np.float32), 1)
    assert not target.any()
    given = core.zeros(3, 2)
    for call in (given.gather, lambda *args: given.scatter(*args, 1.0)):
        with pytest.raises(RuntimeError, match="out of bounds"):
            call(0, core.from_numpy(index))


def test_what_does_not_fit_is_left_to_the_kernel_below() -> None:
    target, index = np.zeros((4, 6), np.float32), np.zeros((4, 2), np.int64)
    source = np.ones((4, 2), np.float32)
    for wrong in (index[:3], index[:, ::2], index.astype(np.int32), index[:, :1].T):
        assert not _native.scatter(target, 1, wrong, source, True, 1)
        assert not _native.gather(target, 1, wrong, np.empty(wrong.shape, np.float32), 1)
    assert not _native.scatter(target, 1, index, source[:3], True, 1)
    assert not _native.scatter(target, 1, index, source.astype(float), True, 1)
    assert not _native.scatter(target, 1, index, target[:, :2], True, 1)
    assert not _native.scatter(target.T, 1, index, source, True, 1)
    assert not _native.scatter(target.astype(np.float16), 1, index, source, True, 1)
    assert not target.any()


@pytest.mark.parametrize("kind", ["f4", "i4", "f8", "i8"])
@pytest.mark.parametrize(
    ("shape", "dims"), [((7,), 1), ((5, 6), 2), ((5, 6, 3), 1), ((4, 3, 2), 2)]
)
def test_adding_at_joint_places(kind, shape, dims) -> None:
    indices = [RANDOM.integers(-size, size, (6, 5)) for size in shape[:dims]]
    source, target = numbers((6, 5, *shape[dims:]), kind), numbers(shape, kind)
    expected = target.copy()
    np.add.at(expected, tuple(indices), source)
    given = core.from_numpy(target.copy())
    assert _native.add_at(target, indices, source)
    np.testing.assert_array_equal(target, expected)
    given.index_put_([core.from_numpy(each) for each in indices], core.from_numpy(source), True)
    np.testing.assert_array_equal(given.numpy(), expected)
    for wrong in (shape[0], -shape[0] - 1):
        indices[0][3, 2] = wrong
        assert not _native.add_at(target, indices, source)
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("dtype", [core.float16, core.bfloat16, core.bool, core.complex64])
def test_ops_of_every_type(dtype) -> None:
    whole = numbers((20, 30), "i8")
    given, index = core.from_numpy(whole).to(dtype), np.argsort(RANDOM.random((20, 30)), 1)[:, :9]
    place = core.from_numpy(index)
    expected = np.take_along_axis(whole, index, 1)
    read = given.gather(1, place)
    assert read.dtype is dtype
    np.testing.assert_array_equal(
        read.long().numpy(), given.long().numpy()[np.arange(20)[:, None], index]
    )
    written = core.zeros(20, 30, dtype=dtype).scatter(1, place, read)
    other = np.zeros((20, 30), int)
    np.put_along_axis(other, index, (expected != 0) if dtype is core.bool else expected, 1)
    np.testing.assert_array_equal(written.long().numpy(), other)
    ones = core.zeros(20, 30, dtype=dtype).scatter(1, place, 1)
    assert int(ones.long().sum()) == 180
