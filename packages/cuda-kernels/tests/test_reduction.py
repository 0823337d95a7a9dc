"""Variances and extrema on CUDA against NumPy; skipped where there is no GPU."""

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

# A block for a row, a thread for a row, few and long rows, several dimensions.
CASES = [((70, 300), 1), ((5, 6, 7), 1), ((2, 20000), 1), ((4, 3, 50), (1, 2)), ((90, 65), 0)]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("correction", [0, 1, 2.5])
@pytest.mark.parametrize(("shape", "dim"), CASES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_variance(
    shape: tuple[int, ...], dim: int, correction: float, keepdim: bool, dtype: str
) -> None:
    x = np.random.default_rng(0).normal(100, 3, shape).astype(dtype)
    given = lc.from_numpy(x).cuda()
    wide = x.astype("f8")
    how = {"axis": dim, "ddof": correction, "keepdims": keepdim}
    close = 1e-5 if dtype == "f4" else 1e-11
    found = lc.var(given, dim, correction=correction, keepdim=keepdim)
    np.testing.assert_allclose(found.cpu().numpy(), wide.var(**how), rtol=close)
    found = lc.std(given, dim, correction=correction, keepdim=keepdim)
    np.testing.assert_allclose(found.cpu().numpy(), wide.std(**how), rtol=close)


def test_variance_of_a_single_number_is_none() -> None:
    x = lc.ones(3, 1).cuda()
    assert np.isnan(lc.var(x, 1).cpu().numpy()).all()
    assert lc.var(x, 1, correction=0).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("shape", "dim"), [case for case in CASES if isinstance(case[1], int)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_extrema_and_the_first_of_their_places(
    shape: tuple[int, ...], dim: int, dtype: str
) -> None:
    x = np.random.default_rng(0).integers(-20, 20, shape).astype(dtype)
    for name in ("max", "min"):
        values, places = getattr(lc.from_numpy(x).cuda(), name)(dim)
        np.testing.assert_array_equal(values.cpu().numpy(), getattr(x, name)(dim))
        np.testing.assert_array_equal(places.cpu().numpy(), getattr(x, f"arg{name}")(dim))


def test_extrema_are_nan_where_there_is_one() -> None:
    x = np.ones((80, 40), "f4")
    x[:, 7] = x[:, 33] = np.nan
    x[0] = -np.inf
    for name in ("max", "min"):
        values, places = getattr(lc.from_numpy(x).cuda(), name)(1)
        assert places.tolist() == [0] + [7] * 79
        assert np.isnan(values.cpu().numpy()[1:]).all()
        assert values[0].item() == -np.inf
