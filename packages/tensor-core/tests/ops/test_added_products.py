"""Products that are added, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def test_products_that_are_added() -> None:
    base, a, b, v = floats(4), floats(2, 3), floats(3, 4), floats(3)
    got = lc.addmm(*map(lc.from_numpy, (base, a, b)), beta=0.5, alpha=2)
    np.testing.assert_allclose(got.numpy(), 0.5 * base + 2 * (a @ b))
    got = lc.addmv(lc.from_numpy(base[:2]), lc.from_numpy(a), lc.from_numpy(v))
    np.testing.assert_allclose(got.numpy(), base[:2] + a @ v)
    m, n = floats(5, 2, 3), floats(5, 3, 4)
    got = lc.baddbmm(*map(lc.from_numpy, (base, m, n)), alpha=3)
    np.testing.assert_allclose(got.numpy(), base + 3 * (m @ n))
    got = lc.addbmm(*map(lc.from_numpy, (base, m, n)))
    np.testing.assert_allclose(got.numpy(), base + (m @ n).sum(0))
    got = lc.addr(lc.zeros(3, 4, dtype=lc.float64), lc.from_numpy(v), lc.from_numpy(base))
    np.testing.assert_allclose(got.numpy(), np.outer(v, base))


def test_beta_zero_does_not_read_the_input() -> None:
    base = lc.full((2, 2), float("nan"))
    assert lc.addmm(base, lc.eye(2), lc.eye(2), beta=0).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    x = lc.ones(2, 2)
    assert x.addmm_(lc.eye(2), lc.eye(2)) is x
    # PyTorch cuts the factors of integers off.
    whole = lc.tensor([[1, 2], [3, 4]])
    assert lc.addmm(whole, whole, whole, beta=2.5).tolist() == [[9, 14], [21, 30]]
    assert lc.addmm(whole, whole, whole, alpha=0.5).tolist() == [[1, 2], [3, 4]]
    assert x.tolist() == [[2.0, 1.0], [1.0, 2.0]]


def test_half_precision_is_rounded_as_in_pytorch():
    # Recorded from PyTorch: addbmm rounds after each product, addr after each operation.
    one, small = lc.ones(1, 1).bfloat16(), lc.full((3, 1, 1), 0.003).bfloat16()
    assert lc.addbmm(one, small, lc.ones(3, 1, 1).bfloat16()).item() == 1.0
    given = lc.full((2, 2), 1.3).bfloat16()
    left, right = lc.tensor([1.7, 2.9]).bfloat16(), lc.tensor([3.1, -0.7]).bfloat16()
    found = lc.addr(given, left, right, beta=0.2, alpha=0.6)
    assert found.tolist() == [[3.4375, -0.455078125], [5.65625, -0.96875]]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (2, 3), (0, 1), (0, 2)])
def test_added_products_of_large_matrices(kind: type, beta: int, alpha: int) -> None:
    rng = np.random.default_rng(2)
    draw = lambda *shape: rng.integers(-3, 4, shape).astype(kind)  # noqa: E731
    own, row, a, b = draw(300, 400), draw(400), draw(300, 500), draw(500, 400)
    if beta == 0 and kind is not np.int64:
        # What beta of 0 leaves out may be no number.
        own[:], row[:] = np.nan, np.nan
    keep = lambda each: beta * each.astype(np.float64) if beta else 0.0  # noqa: E731
    product = alpha * (a.astype(np.float64) @ b)
    for given in (own, row, own[:, :1]):
        found = lc.addmm(*map(lc.tensor, (given, a, b)), beta=beta, alpha=alpha).numpy()
        np.testing.assert_array_equal(found, (keep(given) + product).astype(kind))
    left, right = a.reshape(300, 10, 50).swapaxes(0, 1).copy(), b.reshape(10, 50, 400)
    found = lc.addbmm(*map(lc.tensor, (own, left, right)), beta=beta, alpha=alpha).numpy()
    np.testing.assert_allclose(found, (keep(own) + product).astype(kind), rtol=4e-3, atol=0.5)
    batch = left.astype(np.float64) @ right.astype(np.float64)
    found = lc.baddbmm(*map(lc.tensor, (own, left, right)), beta=beta, alpha=alpha).numpy()
    np.testing.assert_array_equal(found, (keep(own) + alpha * batch).astype(kind))
    outer = alpha * np.outer(a[:, 0].astype(np.float64), b[0])
    found = lc.addr(*map(lc.tensor, (own, a[:, 0], b[0])), beta=beta, alpha=alpha).numpy()
    np.testing.assert_array_equal(found, (keep(own) + outer).astype(kind))


def test_an_added_product_leaves_its_operands_alone() -> None:
    own, a, b = (lc.tensor(RNG.integers(0, 3, (300, 300))).float() for _ in range(3))
    before = [each.tolist() for each in (own, a, b)]
    lc.addmm(own, a, b, beta=2, alpha=3)
    assert [each.tolist() for each in (own, a, b)] == before


def test_added_products_of_float16_are_rounded_once() -> None:
    rng = np.random.default_rng(6)
    sizes = (300, 1400), (300, 800), (800, 1400)
    own, a, b = (rng.standard_normal(size).astype(np.float16) for size in sizes)
    found = lc.addmm(*map(lc.tensor, (own, a, b)), beta=0.5, alpha=2).numpy()
    exact = 0.5 * own.astype(np.float64) + 2 * (a.astype(np.float64) @ b.astype(np.float64))
    np.testing.assert_allclose(found, exact, rtol=2**-11 * 1.1, atol=1e-3)


@pytest.mark.parametrize("kind", [lc.float16, lc.bfloat16])
def test_large_products_of_half_precision_hold_little(peak: Any, kind: Any) -> None:
    a = lc.from_numpy(RNG.integers(-3, 4, (1200, 1100)).astype(np.float32)).to(kind)
    own = lc.from_numpy(RNG.integers(-9, 9, (1200, 1200)).astype(np.float32)).to(kind)
    batch, few = a[:1000].view(40, 25, 1100), a[:1000, :10].reshape(40, 10, 25)
    wide, ones = few.new_zeros(40, 25, 1000), few.new_ones(40, 10, 1000)
    for call, most in (
        (lambda: a @ a.t(), 4.5e6),
        (lambda: a[:100].t() @ a[:100], 4.5e6),
        (lambda: lc.addmm(own, a, a.t(), beta=2, alpha=3), 5e6),
        (lambda: lc.baddbmm(wide, few.mT, ones), 1e6),
        (lambda: lc.bmm(batch, batch.mT), 2e6),
    ):
        given = call()
        room = given.numel() * 2
        del given
        with peak:
            call()
        assert peak.most - room < most
    # Whole numbers are exact in float32 sums, and are rounded once.
    x = a.double().numpy()
    expected = lc.from_numpy(2 * own.double().numpy() + 3 * (x @ x.T)).to(kind)
    assert lc.equal(lc.addmm(own, a, a.t(), beta=2, alpha=3), expected)
    assert lc.equal(a[:100].t() @ a[:100], lc.from_numpy(x[:100].T @ x[:100]).to(kind))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.complex64, np.int64])
@pytest.mark.parametrize("turned", [False, True])
def test_products_added_in_place(peak: Any, kind: type, turned: bool) -> None:
    # Whole numbers: exact in every order of summation.
    draw = lambda *shape: RNG.integers(-3, 4, shape).astype(kind)  # noqa: E731
    exact = np.complex128 if kind is np.complex64 else np.float64
    own, a, b = draw(700, 600), draw(700, 300), draw(300, 600)
    batch, left, right = draw(20, 150, 140), draw(20, 150, 30), draw(20, 30, 140)
    given = [lc.tensor(each) for each in (own, a, b, batch, left, right)]
    if turned:
        given = [each.mT.contiguous().mT for each in given]
    place, more = given[0], given[3]
    for beta, alpha in ((1, 1), (2, 3), (0, 1)):
        with peak:
            place.addmm_(given[1], given[2], beta=beta, alpha=alpha)
            more.baddbmm_(given[4], given[5], beta=beta, alpha=alpha)
        own = (beta * own + alpha * (a.astype(exact) @ b)).astype(kind)
        batch = (beta * batch + alpha * (left.astype(exact) @ right)).astype(kind)
        np.testing.assert_array_equal(place.numpy(), own)
        np.testing.assert_array_equal(more.numpy(), batch)
        assert peak.most < {np.float16: 4.5e6, np.float32: 1e6, np.float64: 1e6}.get(kind, 3e6)
    # What the product needs may be in the way, or have gaps.
    own = draw(600, 600)
    place = lc.tensor(own)
    place.addmm_(place, place.t())
    expected = own + own.astype(exact) @ own.T
    rtol = 2**-10 if kind is np.float16 else 0
    np.testing.assert_allclose(place.numpy(), expected.astype(kind), rtol=rtol)
    wide = lc.tensor(draw(600, 1300))
    a = wide[:, ::2][:, :600]
    expected = a.numpy() + a.numpy().astype(exact) @ own
    a.addmm_(a.clone(), lc.tensor(own))
    np.testing.assert_allclose(a.numpy(), expected.astype(kind), rtol=rtol)
