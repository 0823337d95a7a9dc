"""LBFGS against PyTorch's: the places it goes to, how often it asks, and its state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from exchange import ours, theirs
from torch.testing._internal.common_optimizers import optim_db

import lamella_core
import lamella_optim

(INFO,) = [info for info in optim_db if info.optim_cls is torch.optim.LBFGS]
DATABASE = [pytest.param(each.kwargs, id=each.desc) for each in INFO.optim_inputs_func("cpu")]
FURTHER = [
    {"lr": 0.1, "max_iter": 6, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 7, "history_size": 3},
    {"line_search_fn": "strong_wolfe", "lr": 10.0},
    {"line_search_fn": "strong_wolfe", "max_eval": 5, "lr": 0.01},
    {"tolerance_change": 1e-2},
    {"tolerance_grad": 10.0},
]


class Valley:
    """Rosenbrock's valley, with a quartic in four further unknowns."""

    def __init__(self, core: Any, optim: Any, seed: int, options: dict[str, Any]) -> None:
        random = np.random.default_rng(seed)
        self.core = core
        self.matrix = core.tensor(random.standard_normal((6, 4)))
        self.target = core.tensor(random.standard_normal(6))
        self.first = core.tensor(3 * random.standard_normal((2, 2)), requires_grad=True)
        self.second = core.tensor(random.standard_normal(2), requires_grad=True)
        self.unused = core.tensor([1.0], dtype=core.float64, requires_grad=True)
        self.calls = 0
        self.optimizer = optim.LBFGS([self.first, self.second, self.unused], **options)

    def closure(self) -> Any:
        self.calls += 1
        self.optimizer.zero_grad()
        miss = self.matrix @ self.first.reshape(4) - self.target
        x, y = self.second[0], self.second[1]
        loss = (miss**4).sum() * 0.1 + 100 * (y - x**2) ** 2 + (1 - x) ** 2
        loss.backward()
        return loss

    def step(self) -> np.ndarray:
        loss = self.optimizer.step(self.closure).item()
        places = [each.detach().numpy().reshape(-1) for each in (self.first, self.second)]
        return np.concatenate([[loss, self.calls], *places])


def pair(seed: int, options: dict[str, Any]) -> tuple[Valley, Valley]:
    return Valley(torch, torch.optim, seed, options), Valley(
        lamella_core, lamella_optim, seed, ours(options)
    )


@pytest.mark.parametrize("options", [*DATABASE, *FURTHER])
@pytest.mark.parametrize("seed", range(6))
def test_first_step(seed, options) -> None:
    """One step, of up to 20 iterations; after more of them rounding alone leads apart."""
    reference, problem = pair(seed, options)
    np.testing.assert_allclose(problem.step(), reference.step(), rtol=1e-5, atol=1e-8)
    found = problem.optimizer.state_dict()
    expected = reference.optimizer.state_dict()
    assert found["param_groups"] == ours(expected["param_groups"])
    assert repr(problem.optimizer) == repr(reference.optimizer)
    state = theirs(found["state"][0])
    wanted = expected["state"][0]
    # PyTorch keeps room for the two loops' weights in the state, too.
    assert set(state) == set(wanted) - {"al"}
    for name in ("func_evals", "n_iter"):
        assert state[name] == wanted[name]
    for name in ("old_dirs", "old_stps", "ro"):
        assert len(state.get(name, ())) == len(wanted.get(name, ()))


@pytest.mark.parametrize("options", DATABASE)
def test_twelve_steps_on_least_squares(options) -> None:
    places = []
    for core, optim, given in (
        (torch, torch.optim, options),
        (lamella_core, lamella_optim, ours(options)),
    ):
        random = np.random.default_rng(3)
        matrix, target = (core.tensor(random.standard_normal(s)) for s in ((8, 4), (8, 3)))
        weight = core.tensor(random.standard_normal((4, 3)), requires_grad=True)
        optimizer = optim.LBFGS([weight], **{"max_iter": 4, **given})

        def closure(
            matrix: Any = matrix,
            target: Any = target,
            weight: Any = weight,
            optimizer: Any = optimizer,
        ) -> Any:
            optimizer.zero_grad()
            loss = (matrix @ weight - target).square().mean()
            loss.backward()
            return loss

        path = []
        for _ in range(12):
            optimizer.step(closure)
            path.append(weight.detach().numpy().copy())
        places.append(path)
    for found, expected in zip(*places, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("options", [{"max_iter": 2}, {"max_iter": 2, **FURTHER[1]}])
def test_state_dicts_load_both_ways(options) -> None:
    reference, problem = pair(1, options)
    np.testing.assert_allclose(problem.step(), reference.step(), rtol=1e-7)
    other_reference, other_problem = pair(1, options)
    with torch.no_grad():
        for name in ("first", "second"):
            getattr(other_reference, name).copy_(theirs(getattr(problem, name)))
            getattr(other_problem, name).detach().copy_(ours(getattr(reference, name)))
    other_reference.optimizer.load_state_dict(theirs(problem.optimizer.state_dict()))
    other_problem.optimizer.load_state_dict(ours(reference.optimizer.state_dict()))
    expected = reference.step()
    for resumed in (other_reference, other_problem):
        resumed.calls = problem.calls
        np.testing.assert_allclose(resumed.step(), expected, rtol=1e-6)


def test_complex_parameters() -> None:
    places = []
    for core, optim in ((torch, torch.optim), (lamella_core, lamella_optim)):
        param = core.tensor([1 + 2j, -0.5j], dtype=core.complex128, requires_grad=True)
        optimizer = optim.LBFGS([param], lr=0.5, line_search_fn="strong_wolfe", max_iter=5)

        def closure(param: Any = param, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = (param.abs() ** 4).sum() + (param - (1 - 1j)).abs().square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        places.append(param.detach().numpy())
    np.testing.assert_allclose(places[1], places[0], rtol=1e-6)


def test_errors() -> None:
    for core, optim in ((torch, torch.optim), (lamella_core, lamella_optim)):
        param = core.tensor([1.0], requires_grad=True)
        other = core.tensor([1.0], requires_grad=True)
        with pytest.raises(ValueError, match="per-parameter options"):
            optim.LBFGS([{"params": [param]}, {"params": [other]}])
        with pytest.raises(ValueError, match="Invalid learning rate: -1"):
            optim.LBFGS([param], lr=-1)
        with pytest.raises(TypeError, match="closure"):
            optim.LBFGS([param]).step()
        optimizer = optim.LBFGS([param], line_search_fn="armijo")

        def closure(param: Any = param) -> Any:
            param.grad = None
            loss = (param * param).sum()
            loss.backward()
            return loss

        with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
            optimizer.step(closure)
