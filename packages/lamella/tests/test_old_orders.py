"""Orders of arguments from before PyTorch 1.5, against the formulas of their documentation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella as lc
from lamella import _old_orders

A = np.arange(9.0).reshape(3, 3)
B = np.arange(9.0)[::-1].reshape(3, 3) - 2
V = np.array([1.0, -2, 4])
BATCH = np.stack((A, B))


def tensors(*arrays: np.ndarray) -> list[lc.Tensor]:
    return [lc.from_numpy(each.copy()) for each in arrays]


@pytest.fixture(autouse=True)
def unwarned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_old_orders, "_warned", False)


@pytest.mark.parametrize("suffix", ["", "_"])
@pytest.mark.parametrize("number", [3, -0.5, lc.tensor(2.0)], ids=["int", "float", "tensor"])
@pytest.mark.parametrize(
    ("name", "arrays", "formula"),
    [
        ("add", (A, B), lambda n, a, b: a + n * b),
        ("sub", (A, B), lambda n, a, b: a - n * b),
        ("addcmul", (A, B, V), lambda n, a, b, c: a + n * b * c),
        ("addcdiv", (A, B, V), lambda n, a, b, c: a + n * b / c),
    ],
)
def test_one_number_before_the_tensors(
    name: str, arrays: Any, formula: Any, number: Any, suffix: str
) -> None:
    first, *others = tensors(*arrays)
    with pytest.warns(UserWarning, match=f"^This overload of {name}{suffix} is deprecated"):
        result = getattr(first, name + suffix)(number, *others)
    np.testing.assert_allclose(result.numpy(), formula(float(number), *arrays), rtol=1e-15)
    assert (result is first) == bool(suffix)


PRODUCTS: list[tuple[str, Any, Any]] = [
    ("addmm", (A, B, A), lambda b, c: b @ c),
    ("addmv", (V, A, V), lambda b, c: b @ c),
    ("addr", (A, V, V), np.outer),
    ("addbmm", (A, BATCH, BATCH), lambda b, c: (b @ c).sum(0)),
    ("baddbmm", (BATCH, BATCH, BATCH), lambda b, c: b @ c),
]


@pytest.mark.filterwarnings("ignore:This overload")
@pytest.mark.parametrize(("name", "arrays", "product"), PRODUCTS)
def test_beta_and_alpha_before_the_matrices(name: str, arrays: Any, product: Any) -> None:
    first, *others = tensors(*arrays)
    both = 2 * arrays[0] + 3 * product(*arrays[1:])
    beta_alone = 2 * arrays[0] + product(*arrays[1:])
    function, method = getattr(lc, name), getattr(first, name)
    np.testing.assert_array_equal(function(2, first, 3, *others).numpy(), both)
    np.testing.assert_array_equal(function(2, first, *others).numpy(), beta_alone)
    np.testing.assert_array_equal(method(2, 3, *others).numpy(), both)
    np.testing.assert_array_equal(method(2, *others).numpy(), beta_alone)
    out = lc.empty_like(first)
    assert function(2, first, 3, *others, out=out) is out
    np.testing.assert_array_equal(out.numpy(), both)
    assert getattr(first, f"{name}_")(2, 3, *others) is first
    np.testing.assert_array_equal(first.numpy(), both)


def test_only_the_first_call_warns(recwarn: pytest.WarningsRecorder) -> None:
    (a,) = tensors(A)
    a.add_(2, a)
    a.addcmul_(2, a, a)
    (warning,) = recwarn.list
    assert warning.category is UserWarning
    assert warning.filename == __file__


@pytest.mark.filterwarnings("ignore:This overload")
def test_gradients_follow_the_formula() -> None:
    a, b = (each.requires_grad_() for each in tensors(A, B))
    lc.add(a, 3, b).sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), np.ones((3, 3)))
    np.testing.assert_array_equal(b.grad.numpy(), np.full((3, 3), 3.0))


def test_other_orders_are_refused(recwarn: pytest.WarningsRecorder) -> None:
    # As PyTorch 2.13 does.
    a, b = tensors(A, B)
    for call in (
        lambda: a.add(b, 2),
        lambda: a.add(b, b, b),
        lambda: lc.add(2, a, b),
        lambda: a.addcmul(b, b, 2),
        lambda: a.addmm(b, b, 2, 3),
        lambda: a.addmm(2, b, b, alpha=3),
        lambda: a.addmm(1, 2, 3, b, b),
        lambda: a.mul(2, b),
    ):
        with pytest.raises(TypeError, match="positional argument"):
            call()
    assert not recwarn.list
