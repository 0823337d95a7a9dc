"""Reductions against NumPy, and facts of IEEE arithmetic and PyTorch's documentation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_core.linalg import vector_norm

NAN = float("nan")


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "amax", "amin", "argmax", "argmin"])
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_agrees_with_numpy(name: str, dim: int | None, keepdim: bool, array: np.ndarray) -> None:
    if dim is None and name in ("amax", "amin"):
        dim_argument: object = ()
    else:
        dim_argument = dim
    got = getattr(lc, name)(lc.from_numpy(array), dim_argument, keepdim)
    expected = getattr(np, name)(array, axis=dim, keepdims=keepdim)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert got.shape == expected.shape


@pytest.mark.parametrize("dim", [(0, 1), (2, 0), (0, 1, 2), [1]])
def test_several_dimensions(dim: tuple[int, ...], array: np.ndarray) -> None:
    for name in ("sum", "mean", "amax", "amin"):
        got = getattr(lc, name)(lc.from_numpy(array), dim)
        np.testing.assert_allclose(
            got.numpy(), getattr(np, name)(array, axis=tuple(dim)), rtol=1e-5, atol=1e-6
        )


def test_an_empty_list_means_all_for_sum_and_none_for_all() -> None:
    ones = lc.ones(2, 2)
    assert lc.sum(ones, []).item() == 4.0
    assert lc.all(ones, ()).shape == (2, 2)


@pytest.mark.parametrize("dtype", [lc.bool, lc.uint8, lc.int8, lc.int32])
def test_integers_are_added_as_int64(dtype: object) -> None:
    ones = lc.ones(300, dtype=dtype)
    assert lc.sum(ones).dtype is lc.int64
    assert lc.sum(ones).item() == 300
    assert lc.prod(ones).dtype is lc.int64


@pytest.mark.parametrize("dtype", [lc.float16, lc.bfloat16])
def test_short_floats_are_added_in_float32(dtype: object) -> None:
    # In float16 the sum of ones stops at 2048, in bfloat16 at 256.
    assert lc.sum(lc.ones(4096, dtype=dtype)).item() == 4096.0
    assert lc.sum(lc.ones(4096, 2, dtype=dtype), 0).tolist() == [4096.0, 4096.0]
    assert lc.sum(lc.ones(3, dtype=dtype)).dtype is dtype


@pytest.mark.parametrize("dim", [None, 0])
def test_a_long_float32_sum_is_accurate(dim: int | None) -> None:
    # One after the other, a million times 0.1 in float32 gives 100958.3.
    column = np.full((1_000_000, 2), 0.1, np.float32)
    got = lc.sum(lc.from_numpy(column), dim).numpy()
    exact = float(np.float32(0.1)) * 1e6 * (2 if dim is None else 1)
    np.testing.assert_allclose(got, exact, rtol=1e-5)


def test_dtype_converts_before_the_sum() -> None:
    x = lc.tensor([200, 100], dtype=lc.uint8)
    assert lc.sum(x, dtype=lc.float64).dtype is lc.float64
    assert lc.mean(x, dtype=lc.float32).item() == 150.0
    with pytest.raises(RuntimeError, match="could not infer output dtype"):
        lc.mean(x)


def test_out_is_written_to() -> None:
    out = lc.empty(2)
    assert lc.sum(lc.ones(3, 2), 0, out=out) is out
    assert out.tolist() == [3.0, 3.0]
    # In the type of ``out``, as PyTorch: 0.5 is 0 there.
    assert lc.sum(lc.full((3, 2), 0.5), 0, out=lc.empty(2, dtype=lc.int64)).tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="to have dtype"):
        lc.sum(lc.ones(3, 2), 0, dtype=lc.float64, out=out)
    with pytest.raises(RuntimeError, match="can't be cast"):
        lc.mean(lc.ones(3, 2), 0, out=lc.empty(2, dtype=lc.int64))


def test_nothing_to_reduce() -> None:
    empty = lc.empty(0, 3)
    assert lc.sum(empty).item() == 0.0
    assert lc.prod(empty, 0).tolist() == [1.0, 1.0, 1.0]
    assert math.isnan(lc.mean(empty).item())
    with pytest.raises(IndexError, match="non-zero size"):
        lc.amax(empty, 0)
    with pytest.raises(IndexError, match="Expected reduction dim"):
        lc.argmax(empty)
    with pytest.raises(RuntimeError, match="Expected reduction dim"):
        lc.max(empty)


def test_wrong_dimensions() -> None:
    with pytest.raises(IndexError, match=r"range of \[-2, 1\], but got 2"):
        lc.sum(lc.ones(2, 2), 2)
    with pytest.raises(RuntimeError, match="appears multiple times"):
        lc.sum(lc.ones(2, 2), (0, -2))
    with pytest.raises(TypeError, match="must be int"):
        lc.prod(lc.ones(2, 2), (0, 1))


def test_nan_is_the_extremum() -> None:
    x = lc.tensor([1.0, NAN, 3.0, NAN])
    assert math.isnan(lc.amax(x).item())
    assert math.isnan(lc.amin(x).item())
    values, indices = lc.max(x, 0)
    assert math.isnan(values.item())
    assert indices.item() == 1
    assert lc.argmin(x).item() == 1


def test_the_first_of_equal_elements() -> None:
    x = lc.tensor([[2, 7, 7], [5, 5, 1]])
    assert lc.max(x, 1).indices.tolist() == [1, 0]
    assert lc.min(x, dim=0).values.tolist() == [2, 5, 1]
    assert lc.argmax(x).item() == 1
    assert lc.max(x, 1, keepdim=True).values.shape == (2, 1)


def test_max_of_two_tensors() -> None:
    a, b = lc.tensor([1, 5]), lc.tensor([3, 2])
    assert lc.max(a, b).tolist() == [3, 5]
    assert lc.min(a, other=b).tolist() == [1, 2]


def test_max_along_a_dimension_of_a_scalar() -> None:
    values, indices = lc.max(lc.tensor(4.0), 0)
    assert (values.item(), indices.item()) == (4.0, 0)


def test_aminmax() -> None:
    low, high = lc.aminmax(lc.tensor([[3, 1], [2, 9]]), dim=1)
    assert (low.tolist(), high.tolist()) == ([1, 2], [3, 9])


def test_all_and_any() -> None:
    x = lc.tensor([[1, 0], [2, 3]])
    assert lc.all(x, 1).tolist() == [False, True]
    assert lc.any(x).item() is True
    assert lc.all(lc.tensor([1, 2], dtype=lc.uint8)).dtype is lc.uint8
    assert lc.all(lc.empty(0)).item() is True


def test_count_nonzero() -> None:
    x = lc.tensor([[0.0, NAN, 2.0], [0.0, 0.0, 1.0]])
    assert lc.count_nonzero(x).item() == 3
    assert lc.count_nonzero(x, 0).tolist() == [0, 1, 2]


def test_logsumexp_does_not_overflow() -> None:
    x = np.array([[1000.0, 1000.0], [-1000.0, -1001.0], [-np.inf, -np.inf]])
    expected = [1000 + math.log(2), -1000 + math.log1p(math.exp(-1)), -math.inf]
    np.testing.assert_allclose(lc.logsumexp(lc.from_numpy(x), 1).numpy(), expected, rtol=1e-12)
    assert lc.logsumexp(lc.tensor([0, 0]), 0).item() == pytest.approx(math.log(2))


def test_nan_aware_sums() -> None:
    x = lc.tensor([[1.0, NAN], [3.0, 5.0]])
    assert lc.nansum(x).item() == 9.0
    assert lc.nanmean(x).item() == 3.0
    assert lc.nansum(x, 0).tolist() == [4.0, 5.0]


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, math.inf, -math.inf])
@pytest.mark.parametrize("dim", [None, 1])
def test_norm(p: float, dim: int | None) -> None:
    x = np.random.default_rng(1).standard_normal((4, 6))
    size = np.abs(x)
    if p == 0:
        expected = np.sum(size != 0, axis=dim)
    elif math.isinf(p):
        expected = size.max(axis=dim) if p > 0 else size.min(axis=dim)
    else:
        expected = np.sum(size**p, axis=dim) ** (1 / p)
    np.testing.assert_allclose(lc.norm(lc.from_numpy(x), p, dim).numpy(), expected, rtol=1e-10)


def test_matrix_and_complex_norms() -> None:
    x = np.random.default_rng(2).standard_normal((3, 4))
    nuclear = lc.norm(lc.from_numpy(x), "nuc").item()
    assert nuclear == pytest.approx(np.linalg.norm(x, "nuc"))
    z = lc.norm(lc.tensor([3 + 4j, 0j]))
    assert z.item() == 5.0
    assert z.dtype is lc.float32
    assert lc.dist(lc.tensor([1.0, 2.0]), lc.tensor([4.0, 6.0])).item() == 5.0
    with pytest.raises(RuntimeError, match="floating point or complex"):
        lc.norm(lc.tensor([1, 2]))


@pytest.mark.parametrize(
    "reduce",
    [
        lambda x: x.sum(-1),
        lambda x: x.sum(1, keepdim=True),
        lambda x: x.mean((0, -1)),
        lambda x: x.amax(0),
        lambda x: x.max(-1)[1],
        lambda x: x.median(0)[0],
        lambda x: x.var(0),
        lambda x: x.std(1),
        lambda x: x.prod(0),
        lambda x: (x > 0).any(0),
        lambda x: x.logsumexp(-1),
        lambda x: x.norm(dim=0),
        lambda x: x.argmax(0),
        lambda x: x.cumsum(-1),
        lambda x: x.cumprod(1),
        lambda x: x.tril(),
        lambda x: x @ lc.ones(x.shape[-1], 2),
    ],
)
def test_results_are_row_major_whatever_the_input_is(reduce):
    """As in PyTorch, so that a program can view() them."""
    x = lc.randn(2, 3, 4, 5)
    for turned in (x.transpose(1, 2), x.permute(3, 0, 2, 1), x.transpose(2, 3)):
        result = reduce(turned)
        assert result.is_contiguous()
        np.testing.assert_allclose(result.numpy(), reduce(turned.contiguous()).numpy(), 1e-5)


@pytest.mark.parametrize("layout", ["strided", "permuted", "expanded", "turned"])
@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_reductions_of_all_elements_of_large_views(layout: str, kind: str) -> None:
    rng = np.random.default_rng(3)
    base = rng.standard_normal((600, 800)).astype(kind)
    base[5, 8] = 0
    whole = lc.tensor(base)
    view, exact = {
        "strided": lambda: (whole[:, ::2], base[:, ::2]),
        "permuted": lambda: (
            whole.view(20, 30, 800).permute(2, 0, 1),
            base.reshape(20, 30, 800).transpose(2, 0, 1),
        ),
        "expanded": lambda: (whole[0].expand(300, 800), np.broadcast_to(base[0], (300, 800))),
        "turned": lambda: (whole.t()[3:], base.T[3:]),
    }[layout]()
    exact = exact.astype(np.float64)
    loose = {"rtol": 2e-3 if kind == "float16" else 1e-5, "atol": 1e-2}
    every = tuple(range(exact.ndim))
    for dims in (None, every):
        np.testing.assert_allclose(view.sum(dims).item(), exact.sum(), **loose)
        np.testing.assert_allclose(view.var(dims).item(), exact.var(ddof=1), **loose)
        np.testing.assert_allclose(view.std(dims).item(), exact.std(ddof=1), **loose)
        np.testing.assert_allclose(view.norm(2, dims).item(), np.sqrt((exact**2).sum()), **loose)
        np.testing.assert_allclose(view.mean(dims).item(), exact.mean(), **loose)
        assert view.amax(every).item() == exact.max()
        assert view.count_nonzero(dims).item() == np.count_nonzero(exact)
    top = np.log(np.exp(exact).sum())
    np.testing.assert_allclose(view.logsumexp(every).item(), top, **loose)
    assert view.argmax().item() == exact.argmax() and view.argmin().item() == exact.argmin()
    for dim in range(exact.ndim):
        np.testing.assert_array_equal(view.argmax(dim).numpy(), exact.argmax(dim))
        np.testing.assert_array_equal(view.max(dim)[0].numpy(), exact.max(dim))
    for name in ("sum", "var", "mean", "amax", "logsumexp"):
        assert getattr(view, name)(every, keepdim=True).shape == (1,) * exact.ndim


@pytest.mark.parametrize("shape", [(6, 7), (3, 400, 20), (70_000, 2), (2, 2000)])
def test_extrema_of_rows(peak: Any, shape: tuple[int, ...]) -> None:
    exact = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    exact.reshape(-1)[-3] = np.nan
    rows = lc.from_numpy(exact)
    for keepdim in (False, True):
        expected = exact.max(-1, keepdims=keepdim), exact.min(-1, keepdims=keepdim)
        found = rows.amax(-1, keepdim), rows.amin(-1, keepdim)
        np.testing.assert_array_equal(found, expected)
    with peak:
        rows.amax(-1)
    assert peak.most < 4 * math.prod(shape[:-1]) + 500_000
    # Of equal zeros the first one, as PyTorch has it.
    assert math.copysign(1, lc.tensor([[-0.0, 0.0]]).amax(1).item()) == -1


@pytest.mark.parametrize("shape", [(9,), (6, 7), (3, 400, 20), (70_000, 2), (2, 256), (0, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_rows(shape: tuple[int, ...], dtype: str) -> None:
    exact = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    if exact.size:
        exact.reshape(-1)[-3], exact.reshape(-1)[0] = np.nan, np.inf
    rows = lc.from_numpy(exact)
    for keepdim in (False, True):
        expected = exact.astype(np.float64).sum(-1, keepdims=keepdim)
        found = rows.sum(-1, keepdim), rows.mean(-1, keepdim) * shape[-1]
        for each in found:
            assert each.shape == expected.shape and each.dtype is rows.dtype
            np.testing.assert_allclose(each.numpy(), expected, 0, 1e-5)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3])
def test_renorm(p: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 4)) * np.array([0.001, 1, 10])[:, None, None]
    got = lc.renorm(lc.from_numpy(x), p, 0, 2.0).numpy()
    norms = np.linalg.norm(x.reshape(3, -1), p, 1)
    expected = x * np.where(norms > 2, 2 / norms, 1)[:, None, None]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    tensor = lc.from_numpy(x.copy())
    assert tensor.renorm_(p, 0, 2.0) is tensor
    np.testing.assert_array_equal(tensor.numpy(), got)


def test_renorm_leaves_nan_alone() -> None:
    x = lc.tensor([[1.0, math.nan], [3.0, 4.0]])
    np.testing.assert_allclose(lc.renorm(x, 2, 0, 1.0).numpy(), [[1, math.nan], [0.6, 0.8]])


@pytest.mark.parametrize("order", [math.inf, -math.inf])
def test_norms_of_nothing(order: float) -> None:
    for dim in (None, 0):
        with pytest.raises(RuntimeError, match="does not have an identity"):
            lc.norm(lc.ones(0, 3), order, dim)
    assert lc.norm(lc.ones(0, 3), order, 1).shape == (0,)


@pytest.mark.parametrize("arguments", [(0, 0, 1.0), (2, 0, -1.0), (2j, 0, 1.0)])
def test_wrong_renorm(arguments: tuple[float, int, float]) -> None:
    with pytest.raises(RuntimeError):
        lc.renorm(lc.ones(2, 2), *arguments)
    with pytest.raises(RuntimeError):
        lc.renorm(lc.ones(2), 2, 0, 1.0)


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_infinities_among_many(kind: str) -> None:
    x = np.ones(300_000, kind)
    x[[7, 200_000]] = np.inf
    values = lc.tensor(x)
    assert (
        values.mean().item() == values.logsumexp((0,)).item() == values.nanmean().item() == np.inf
    )
    x[9] = -np.inf
    assert math.isnan(lc.tensor(x).mean().item())
    x[9] = np.nan
    assert math.isnan(lc.tensor(x).logsumexp((0,)).item())
    assert lc.tensor(x).nansum().item() == np.inf and lc.tensor(x).argmax().item() == 9
    assert lc.full((300_000,), -np.inf).logsumexp((0,)).item() == -np.inf


LARGE: dict[str, object] = {
    "sum": np.sum,
    "mean": np.mean,
    "amax": np.max,
    "var": np.var,
    "norm": lambda x, axis: np.sqrt((x * x).sum(axis)),
    "logsumexp": lambda x, axis: np.log(np.exp(x).sum(axis)),
    "count_nonzero": np.count_nonzero,
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("dim", [0, 1, (0, 2, 3), (2, 3), (1, 3)])
@pytest.mark.parametrize("half", [False, True])
def test_large_images_whose_channels_lie_together(
    peak: Any, name: str, dim: object, half: bool
) -> None:
    x = lc.randn(4, 8, 160, 150).to(memory_format=lc.channels_last)
    x = x.half() if half else x
    calls = {
        "var": lambda: x.var(dim, correction=0),
        "norm": lambda: vector_norm(x, dim=dim),
    }
    call = calls.get(name, lambda: getattr(lc, name)(x, dim))
    expected = LARGE[name](x.numpy().astype(np.float64), axis=dim)
    found = call()
    tolerance = 2e-3 if half else 2e-5
    np.testing.assert_allclose(found.numpy(), expected, tolerance, 50 * tolerance)
    assert found.is_contiguous()
    with peak:
        found = call()
    assert peak.most < found.numel() * found.element_size() + 1_300_000


@pytest.mark.parametrize("shape", [(200_000, 3), (500, 600), (60, 50, 100)])
def test_large_variances_are_about_the_mean_of_all(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape) * 0.01 + np.linspace(
        300, 400, shape[0]
    ).reshape(-1, *[1] * (len(shape) - 1))
    for dim in (0, (0, 1)):
        for keepdim in (False, True):
            found = lc.from_numpy(x).var(dim, keepdim=keepdim)
            np.testing.assert_allclose(found.numpy(), x.var(dim, ddof=1, keepdims=keepdim), 1e-9)
