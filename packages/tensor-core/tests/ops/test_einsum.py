"""Einstein summation against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as lc

SIZES = {"a": 2, "b": 3, "i": 4, "j": 5, "k": 6}


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik", "ij,jk", "ij->ji", "ij->", "ij->j", "ii->i", "ii", "i,i", "i,j->ij",
        "aij,ajk->aik", "abij,abjk->abik", "ij,ij->ij", "ij,jk,ka->ia", "aij,jk->ik",
        "aij,bjk->ab", "iji->j", "ba,ai", "i,ij,j->",
    ],
)  # fmt: skip
def test_agrees_with_numpy(equation: str) -> None:
    rng = np.random.default_rng(0)
    terms = equation.partition("->")[0].split(",")
    operands = [rng.standard_normal([SIZES[x] for x in term]) for term in terms]
    got = lc.einsum(equation, *map(lc.from_numpy, operands))
    np.testing.assert_allclose(got.numpy(), np.einsum(equation, *operands), rtol=1e-10)


def test_ellipsis_broadcasts() -> None:
    a, b = np.ones((2, 1, 3, 4)), np.ones((5, 4, 3))
    for equation in ("...ij,...jk->...ik", "...ij,...jk", "...ij,...jk->..."):
        got = lc.einsum(equation, lc.from_numpy(a), lc.from_numpy(b))
        np.testing.assert_allclose(got.numpy(), np.einsum(equation, a, b))


def test_lists_of_labels() -> None:
    a, b = lc.ones(2, 3), lc.ones(3, 4)
    assert lc.einsum(a, [0, 1], b, [1, 2], [0, 2]).tolist() == [[3.0] * 4] * 2
    assert lc.einsum("ij,jk->ik", [a, b]).shape == (2, 4)


@pytest.mark.parametrize(
    ("equation", "text"),
    [
        ("ij,jk,kl", "fewer operands"),
        ("ijk,jk", "number of subscripts"),
        ("ij,jk->il", "does not appear"),
        ("ij,jk->ii", "more than once"),
        ("i1,jk", "invalid subscript"),
        ("ij,ik->jk", "does not broadcast"),
    ],
)
def test_errors(equation: str, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        lc.einsum(equation, lc.ones(2, 3), lc.ones(3, 4))
