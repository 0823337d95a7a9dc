"""Reading at indices on CUDA against NumPy; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

gathering = pytest.importorskip("lamella_cuda_kernels.gathering")


@pytest.mark.parametrize("index", ["i8", "i4"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i1", "c16", "?"])
@pytest.mark.parametrize(
    ("shape", "dim"), [((9, 4), 0), ((9, 32), 0), ((3, 9), 1), ((2, 9, 5), 1), ((9,), 0)]
)
def test_places_along_a_dimension(shape: tuple[int, ...], dim: int, dtype: str, index: str) -> None:
    random = np.random.default_rng(0)
    array = (random.random(shape) * 100).astype(dtype)
    places = random.integers(0, 9, (2, 6)).astype(index)
    found = gathering.index_select(None)(cupy.asarray(array), dim, cupy.asarray(places[0]))
    np.testing.assert_array_equal(cupy.asnumpy(found), array.take(places[0], dim))
    if index == "i8":
        places -= 9
        found = gathering.index(None)(cupy.asarray(array), [cupy.asarray(places)], (dim,))
        np.testing.assert_array_equal(cupy.asnumpy(found), array.take(places, dim))
    if dim == 0 and len(shape) == 2:
        places = abs(places) % 9
        found = gathering.embedding(None)(
            cupy.asarray(array), cupy.asarray(places), -1, False, False
        )
        np.testing.assert_array_equal(cupy.asnumpy(found), array[places])


@pytest.mark.parametrize("wrong", [9, -1, 2**40])
def test_a_place_that_is_not_there(wrong: int) -> None:
    table, places = cupy.zeros((9, 4), "f4"), cupy.asarray(np.array([3, wrong, 0]))
    with pytest.raises(IndexError, match=f"index {wrong} for a weight of 9 rows"):
        gathering.embedding(None)(table, places, -1, False, False)
    with pytest.raises(IndexError, match=f"index {wrong}, dimension 0 has size 9"):
        gathering.index_select(None)(table, 0, places)
    with pytest.raises(IndexError, match="index -10 is out of bounds for dimension 0 with size 9"):
        gathering.index(None)(table, [cupy.asarray(np.array([-10]))], (0,))
    with pytest.raises(IndexError, match="index 9"):
        gathering.index(None)(cupy.zeros((9, 0), "f4"), [cupy.asarray(np.array([9]))], (0,))


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("padding", [-1, 2])
def test_gradients_of_equal_indices_add_up(padding: int, dtype: str) -> None:
    random = np.random.default_rng(0)
    indices = random.integers(0, 7, (3, 10))
    grad = random.integers(-8, 8, (3, 10, 5)).astype(dtype)
    found = gathering.embedding_backward(None)(
        cupy.asarray(grad), cupy.asarray(indices), 9, padding, False
    )
    expected = np.zeros((9, 5), dtype)
    np.add.at(expected, indices, grad)
    if padding >= 0:
        expected[padding] = 0
    np.testing.assert_array_equal(cupy.asnumpy(found), expected)
