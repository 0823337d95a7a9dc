"""Recorded values are PyTorch 2.13's, from the program that the test runs again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_optim import LBFGS


def descend(steps: int, **options: Any) -> tuple[Any, int, list[float]]:
    """Steps in Rosenbrock's valley: the last loss, the calls of the closure, the place."""
    place = core.tensor([-1.2, 1.0], dtype=core.float64, requires_grad=True)
    optimizer = LBFGS([place], **options)
    calls = 0

    def closure() -> Any:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = 100 * (place[1] - place[0] ** 2) ** 2 + (1 - place[0]) ** 2
        loss.backward()
        return loss

    for _ in range(steps):
        loss = optimizer.step(closure)
    return loss.item(), calls, place.tolist()


@pytest.mark.parametrize(
    ("options", "calls", "place"),
    [
        ({}, 20, [-0.3929095248880504, 0.14696808489351595]),
        ({"lr": 0.1, "max_iter": 5}, 5, [-1.0989030589182796, 1.0430413750577954]),
        (
            {"line_search_fn": "strong_wolfe", "max_iter": 3},
            3,
            [-1.0245319303460325, 1.0716196202669255],
        ),
    ],
)
def test_one_step(options, calls, place) -> None:
    loss, found_calls, found = descend(1, **options)
    assert loss == pytest.approx(24.2)
    assert found_calls == calls
    np.testing.assert_allclose(found, place, rtol=1e-9)


def test_reaches_the_minimum() -> None:
    _, _, place = descend(5, line_search_fn="strong_wolfe", tolerance_change=1e-16)
    np.testing.assert_allclose(place, [1.0, 1.0], rtol=1e-6)


def test_history_is_bounded() -> None:
    param = core.tensor([3.0, -2.0, 1.0], dtype=core.float64, requires_grad=True)
    optimizer = LBFGS([param], lr=0.1, history_size=3, max_iter=10)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (param**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert {len(optimizer.state[param][k]) for k in ("old_dirs", "old_stps", "ro")} == {3}


def test_at_the_minimum_nothing_moves() -> None:
    param = core.zeros(2, requires_grad=True)
    optimizer = LBFGS([param])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (param * param).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0
    assert param.tolist() == [0, 0]
    assert optimizer.state[param] == {"func_evals": 1, "n_iter": 0}


def test_bad_arguments() -> None:
    param = core.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="Invalid learning rate: -1"):
        LBFGS([param], lr=-1)
    with pytest.raises(ValueError, match="per-parameter options"):
        LBFGS([{"params": [param]}, {"params": [core.ones(1, requires_grad=True)]}])
    with pytest.raises(TypeError, match="closure"):
        LBFGS([param]).step()  # type: ignore[call-arg]
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        LBFGS([param], line_search_fn="armijo").step(lambda: None)
