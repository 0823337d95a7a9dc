"""Pooling on CUDA against loops over the windows; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

pooling = pytest.importorskip("lamella_cuda_kernels.pooling")

CASES = [
    ((2, 11), (3,), (2,), (1,), (1,), False),
    ((2, 3, 9, 8), (3, 2), (2, 1), (1, 0), (1, 1), True),
    ((2, 9, 8), (2, 3), (3, 2), (1, 1), (2, 1), False),
    ((1, 5, 6, 7), (2, 2, 3), (2, 2, 2), (0, 1, 1), (1, 1, 1), True),
]


def _windows(x: np.ndarray, case: tuple) -> list:
    """(place in the result, elements, flat indices, number with padding) of each window."""
    _, kernel, stride, padding, dilation, ceil_mode = case
    sizes = x.shape[-len(kernel) :]
    found = []
    counts = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        rest = (n + 2 * p - d * (k - 1) - 1) / s
        count = int(np.ceil(rest) if ceil_mode else np.floor(rest)) + 1
        counts.append(count - (ceil_mode and (count - 1) * s >= n + p))
    for place in np.ndindex(*counts):
        axes = [
            [o * s - p + i * d for i in range(k)]
            for o, k, s, p, d in zip(place, kernel, stride, padding, dilation, strict=True)
        ]
        whole = np.prod(
            [sum(i < n + p for i in a) for a, n, p in zip(axes, sizes, padding, strict=True)]
        )
        inside = [[i for i in a if 0 <= i < n] for a, n in zip(axes, sizes, strict=True)]
        grid = np.ix_(*inside)
        flat = np.ravel_multi_index(np.meshgrid(*inside, indexing="ij"), sizes).reshape(-1)
        found.append((place, x[(..., *grid)].reshape(*x.shape[: -len(kernel)], -1), flat, whole))
    return found, tuple(counts)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_largest_and_mean(
    case: tuple, dtype: str, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(pooling, "_SMALL", 0)
    shape, kernel, stride, padding, dilation, ceil_mode = case
    random = np.random.default_rng(0)
    x = random.integers(-40, 40, shape).astype(dtype)
    given = cupy.asarray(x)
    windows, counts = _windows(x, case)
    lead = shape[: -len(kernel)]
    how = (kernel, stride, padding, dilation, ceil_mode)
    values, places = pooling.max_pool_with_indices(None)(given, *how)
    assert values.shape == places.shape == (*lead, *counts)
    only = pooling.max_pool(None)(given, *how)
    close = {"f4": 1e-6, "f8": 1e-12, "f2": 2e-3}[dtype]
    for place, elements, flat, _ in windows:
        at = (..., *place)
        np.testing.assert_array_equal(cupy.asnumpy(values)[at], elements.max(-1))
        np.testing.assert_array_equal(cupy.asnumpy(only)[at], elements.max(-1))
        np.testing.assert_array_equal(cupy.asnumpy(places)[at], flat[elements.argmax(-1)])
    if any(d > 1 for d in dilation):
        return
    grad = random.integers(-5, 5, (*lead, *counts)).astype(dtype)
    sizes = shape[-len(kernel) :]
    for pads, divisor in ((True, None), (False, None), (True, 3)):
        means = cupy.asnumpy(
            pooling.avg_pool(None)(given, kernel, stride, padding, ceil_mode, pads, divisor)
        )
        slope = np.zeros((*lead, int(np.prod(sizes))))
        for place, elements, flat, whole in windows:
            at = (..., *place)
            count = divisor or (whole if pads else elements.shape[-1])
            np.testing.assert_allclose(
                means[at], elements.astype("f8").sum(-1) / count, close, 40 * close
            )
            slope[..., flat] += (grad[at] / count)[..., None]
        found = pooling.avg_pool_backward(None)(
            cupy.asarray(grad), sizes, kernel, stride, padding, pads, divisor
        )
        np.testing.assert_allclose(
            cupy.asnumpy(found).reshape(slope.shape), slope, close, 20 * close
        )


def test_numbers_that_are_none() -> None:
    x = cupy.asarray(np.array([[1, np.nan, np.nan, 2, -np.inf, -np.inf]], "f4"))
    values, places = pooling.max_pool_with_indices(None)(x, (2,), (1,), (0,), (1,), False)
    np.testing.assert_array_equal(cupy.asnumpy(values), [[np.nan, np.nan, np.nan, 2, -np.inf]])
    assert cupy.asnumpy(places).tolist() == [[1, 2, 2, 3, 4]]


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_gradients_go_where_the_largest_were(dtype: str) -> None:
    grad = cupy.asarray(np.array([[[1, 2, 3]], [[4, 5, 6]]], dtype))
    places = cupy.asarray(np.array([[[3, 0, 3]], [[1, 2, 0]]]))
    added = pooling.put_flat(None)(grad, places, (2, 2), True)
    assert cupy.asnumpy(added).tolist() == [[[2, 0], [0, 4]], [[6, 4], [5, 0]]]
    places = cupy.asarray(np.array([[[3, 0, 1]], [[1, 2, 0]]]))
    put = pooling.put_flat(None)(grad, places, (2, 2), False)
    assert cupy.asnumpy(put).tolist() == [[[2, 3], [0, 1]], [[6, 4], [5, 0]]]
