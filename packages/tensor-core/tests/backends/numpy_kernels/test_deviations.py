"""Reductions part by part, against NumPy's in double precision."""

import numpy as np
import pytest

import lamella_core as core

ARRAY = np.random.default_rng(0).normal(3, 2, size=(90, 61, 83)).astype(np.float32)


@pytest.mark.parametrize("dim", [None, 0, 1, 2, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("correction", [0, 1])
def test_variance(dim, keepdim, correction):
    result = core.var(core.from_numpy(ARRAY), dim, correction=correction, keepdim=keepdim)
    expected = ARRAY.astype(np.float64).var(dim, ddof=correction, keepdims=keepdim)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5)


def test_standard_deviation_of_complex_numbers_and_of_a_transpose():
    array = (ARRAY + 1j * ARRAY[::-1]).transpose(2, 0, 1)
    result = core.std(core.from_numpy(array))
    np.testing.assert_allclose(result.numpy(), array.astype(np.complex128).std(ddof=1), rtol=1e-5)


@pytest.mark.filterwarnings("error")
def test_variance_with_infinities_is_nan_and_silent():
    array = ARRAY.copy()
    array[0, 0, :2] = np.inf, -np.inf
    assert np.isnan(core.var(core.from_numpy(array)).item())


@pytest.mark.parametrize("dim", [0, 1, (1, 2)])
def test_logsumexp(dim):
    result = core.logsumexp(core.from_numpy(ARRAY), dim)
    expected = np.log(np.exp(ARRAY.astype(np.float64)).sum(dim))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


ROWS, COLUMNS = 601, 503  # several parts, the last of them not full


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_places_and_order_along_a_dimension(dim, keepdim, turned):
    x = np.random.default_rng(0).permutation(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    tensor = core.from_numpy(x).float()
    if turned:
        x, tensor = x.T, tensor.t()
    order = x.argsort(dim)
    for found, place in (
        (tensor.argmax(dim, keepdim), -1),
        (tensor.argmin(dim, keepdim), 0),
        (tensor.max(dim, keepdim).indices, -1),
        (tensor.min(dim, keepdim).indices, 0),
        (tensor.kthvalue(5, dim, keepdim).indices, 4),
        (tensor.median(dim, keepdim).indices, (x.shape[dim] - 1) // 2),
    ):
        expected = order.take([place], dim)
        np.testing.assert_array_equal(found.numpy(), expected if keepdim else expected.squeeze(dim))
    values, indices = tensor.topk(3, dim)
    np.testing.assert_array_equal(indices.numpy(), order.take([-1, -2, -3], dim))
    np.testing.assert_array_equal(values.numpy(), np.sort(x, dim).take([-1, -2, -3], dim))


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_inputs_of_another_type_than_the_one_computed_in(dim):
    x = np.random.default_rng(0).integers(0, 4, (ROWS, COLUMNS))
    half, small = core.from_numpy(x).half(), core.from_numpy(x).int()
    for found, expected in (
        (small.sum(dim), x.sum(dim)),
        (half.sum(dim, dtype=core.float32), x.sum(dim)),
        (half.view(-1, 1).expand(-1, 2).sum(), float("inf")),
        (half.amax(dim) if dim is not None else half.max(), x.max(dim)),
        (half.count_nonzero(dim), np.count_nonzero(x, dim)),
        (half.all(dim) if dim is not None else half.all(), x.all(dim)),
    ):
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("ord", [1, 3, 0.5, float("inf"), float("-inf"), 0])
def test_norm_of_all(ord):
    x = np.random.default_rng(0).normal(size=ROWS * COLUMNS) + 0.1
    expected = np.linalg.norm(x, ord)
    np.testing.assert_allclose(core.from_numpy(x).norm(ord).item(), expected, rtol=1e-12)


def test_median_of_all_and_nan():
    x = np.random.default_rng(0).permutation(300_001).astype(np.float32)
    assert core.from_numpy(x).median().item() == 150_000
    x[x < 100] = np.nan
    assert np.isnan(core.from_numpy(x).median().item())
    assert core.from_numpy(x).nanmedian().item() == 150_050


@pytest.mark.parametrize("dim", [None, 0, 1])
@pytest.mark.parametrize("dtype", [core.float16, core.bfloat16])
def test_half_precision_is_computed_in_float32(dim, dtype):
    half = core.randn(ROWS, COLUMNS).to(dtype)
    exact = half.double().numpy()
    for found, expected in (
        (half.var(dim), exact.var(dim, ddof=1)),
        (half.std(dim), exact.std(dim, ddof=1)),
        (half.norm(2, dim), np.sqrt((exact**2).sum(dim))),
        (half.norm(1, dim), abs(exact).sum(dim)),
        (half.nansum(dim, dtype=core.float32), exact.sum(dim)),
        (half.count_nonzero(dim), np.count_nonzero(exact, dim)),
    ):
        # Rounded once, from float32.
        rounded = core.from_numpy(np.asarray(expected)).to(found.dtype).double()
        np.testing.assert_allclose(found.double().numpy(), rounded.numpy(), rtol=8e-3, atol=1e-3)
    place = half.argmax(dim).numpy()
    at = (
        exact.reshape(-1)[place]
        if dim is None
        else np.take_along_axis(exact, np.expand_dims(place, dim), dim).squeeze(dim)
    )
    np.testing.assert_array_equal(at, exact.max(dim))
    half[300, 200] = float("nan")
    half[400, 100] = float("nan")
    assert half.argmin().item() == 300 * COLUMNS + 200


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_sums_that_leave_out_nan(dim):
    x = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    x[x > 1.5] = np.nan
    tensor = core.from_numpy(x)
    np.testing.assert_allclose(tensor.nansum(dim).numpy(), np.nansum(x, dim), rtol=1e-9)
    np.testing.assert_allclose(tensor.nanmean(dim).numpy(), np.nanmean(x, dim), rtol=1e-9)
    x[3, 5], x[4, 5] = np.inf, -np.inf
    for precision, type in ((core.float64, np.float64), (core.float16, np.float32)):
        with np.errstate(invalid="ignore"):
            expected = np.nansum(x.astype(type), dim)
        found = core.from_numpy(x).to(precision).nansum(dim)
        np.testing.assert_allclose(found.numpy(), expected, rtol=2e-3, atol=0.2)


def test_parts_need_little_memory(peak):
    x, half = core.rand(1000, 2000), core.rand(1000, 2000).half()
    missing = x.masked_fill(x > 0.5, float("nan"))
    for call in (
        lambda: x.argmax(0), lambda: x.median(1), lambda: half.sum(), lambda: x.mode(0),
        lambda: half.var(), lambda: half.std(1), lambda: half.norm(), lambda: half.argmax(),
        lambda: half.max(1), lambda: half.topk(3), lambda: missing.nansum(), lambda: x.norm(0),
        lambda: half.view(-1).argmax(0),
        lambda: missing.nansum(0), lambda: half.count_nonzero(), lambda: x.norm(dim=(0, 1)),
    ):  # fmt: skip
        call()
        with peak:
            call()
        assert peak.most < 0.7e6 * core.get_num_threads()
