"""lamella's optimizers against PyTorch's, for the configurations PyTorch tests its own with."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from exchange import ours, theirs
from torch.testing._internal.common_optimizers import optim_db

import lamella
import lamella_core
import lamella_optim

NAMES = (
    "ASGD",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
)
FUSED = ("SGD", "Adagrad", "Adam", "AdamW")
WITHOUT_FOREACH = ("Muon",)
STEPS = 12
# PyTorch keeps ASGD's rate as a float32 tensor, and rounds it differently with ``foreach``; Muon
# multiplies a rate that is a float32 tensor in float32.
TOLERANCES = {"ASGD": 1e-6, "Muon": 1e-6}


def configurations() -> list[Any]:
    found = []
    for info in optim_db:
        name = info.optim_cls.__name__
        if name in NAMES:
            for each in info.optim_inputs_func(device="cpu"):
                for flag in (None, "foreach", "fused"):
                    if flag == "fused" and name not in FUSED:
                        continue
                    extra = {} if flag is None else {flag: True}
                    if flag == "foreach" and (
                        name in WITHOUT_FOREACH or isinstance(each.kwargs.get("lr"), torch.Tensor)
                    ):
                        continue
                    label = f"{name}-{each.desc}-{flag or 'plain'}"
                    found.append(pytest.param(name, {**each.kwargs, **extra}, id=label))
    return found


class Problem:
    """Least squares with a weight matrix and an offset, in one library."""

    def __init__(self, core: Any, optim: Any, name: str, options: dict[str, Any]) -> None:
        random = np.random.default_rng(7)
        make = core.tensor
        self.inputs = make(random.standard_normal((8, 4)))
        self.targets = make(random.standard_normal((8, 3)))
        self.weight = make(random.standard_normal((4, 3)), requires_grad=True)
        # Muon takes matrices alone.
        shape = (1, 3) if name == "Muon" else (3,)
        self.offset = make(random.standard_normal(shape), requires_grad=True)
        self.optimizer = getattr(optim, name)(
            [{"params": [self.weight]}, {"params": [self.offset], "lr": 0.02}], **options
        )

    def place(self) -> list[np.ndarray]:
        return [self.weight.detach().numpy().copy(), self.offset.detach().numpy().copy()]

    def descend(self, steps: int) -> list[list[np.ndarray]]:
        path = []
        for _ in range(steps):
            self.optimizer.zero_grad()
            error = self.inputs @ self.weight + self.offset - self.targets
            (error * error).mean().backward()
            self.optimizer.step()
            path.append(self.place())
        return path


def pair(name: str, options: dict[str, Any]) -> tuple[Problem, Problem]:
    reference = Problem(torch, torch.optim, name, copy.deepcopy(options))
    return reference, Problem(lamella_core, lamella_optim, name, ours(options))


def assert_paths_match(found: list[Any], expected: list[Any], rtol: float = 1e-9) -> None:
    for found_place, expected_place in zip(found, expected, strict=True):
        for value, wanted in zip(found_place, expected_place, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=rtol, atol=1e-3 * rtol)


def assert_states_match(
    found: dict[str, Any], expected: dict[str, Any], rtol: float = 1e-9
) -> None:
    assert list(found["state"]) == list(expected["state"])
    for key, state in expected["state"].items():
        state = {name: value for name, value in state.items() if value is not None}
        assert list(found["state"][key]) == list(state)
        for name, value in state.items():
            mine = theirs(found["state"][key][name])
            assert (mine.dtype, mine.shape) == (value.dtype, value.shape)
            torch.testing.assert_close(mine, value, rtol=rtol, atol=1e-3 * rtol)
    assert len(found["param_groups"]) == len(expected["param_groups"])
    for mine, group in zip(found["param_groups"], expected["param_groups"], strict=True):
        assert list(mine) == list(group)
        assert theirs(mine) == group


@pytest.mark.parametrize(("name", "options"), configurations())
def test_trajectory_and_state(name, options) -> None:
    reference, problem = pair(name, options)
    rtol = TOLERANCES.get(name, 1e-9)
    assert_paths_match(problem.descend(STEPS), reference.descend(STEPS), rtol)
    assert_states_match(problem.optimizer.state_dict(), reference.optimizer.state_dict(), rtol)
    assert repr(problem.optimizer) == repr(reference.optimizer)


@pytest.mark.parametrize(("name", "options"), configurations())
def test_state_dicts_load_both_ways(name, options) -> None:
    reference, problem = pair(name, options)
    reference.descend(5)
    problem.descend(5)
    from_theirs, from_ours = pair(name, {})[1], pair(name, {})[0]
    with torch.no_grad():
        from_ours.weight.copy_(theirs(problem.weight))
        from_ours.offset.copy_(theirs(problem.offset))
    from_theirs.weight.detach().copy_(ours(reference.weight))
    from_theirs.offset.detach().copy_(ours(reference.offset))
    from_ours.optimizer.load_state_dict(theirs(problem.optimizer.state_dict()))
    from_theirs.optimizer.load_state_dict(ours(reference.optimizer.state_dict()))
    expected = reference.descend(4)
    rtol = TOLERANCES.get(name, 1e-9)
    assert_paths_match(from_ours.descend(4), expected, rtol)
    assert_paths_match(from_theirs.descend(4), expected, rtol)


def bad_arguments() -> list[Any]:
    found = []
    for info in optim_db:
        name = info.optim_cls.__name__
        if name in (*NAMES, "LBFGS", "SparseAdam"):
            for each in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
                options = each.optimizer_error_input.kwargs
                if options:
                    label = f"{name}-{each.optimizer_error_input.desc}"
                    found.append(pytest.param(name, options, each.error_type, id=label))
    return found


@pytest.mark.parametrize(("name", "options", "error"), bad_arguments())
def test_bad_arguments(name, options, error) -> None:
    texts = []
    for core, optim, given in (
        (torch, torch.optim, options),
        (lamella_core, lamella_optim, ours(options)),
    ):
        with pytest.raises(error) as caught:
            getattr(optim, name)([core.tensor([1.0], requires_grad=True)], **given)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "name", ["Adam", "AdamW", "Adamax", "RMSprop", "Rprop", "Adadelta", "Muon"]
)
def test_a_sparse_gradient_is_refused(name: str) -> None:
    texts = []
    for library in (torch, lamella):
        parameter = library.nn.Parameter(library.ones(2, 3))
        optimizer = getattr(library.optim, name)([parameter])
        parameter.grad = library.ones(2, 3).to_sparse()
        with pytest.raises(RuntimeError) as caught:
            optimizer.step()
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("writer", [torch, lamella])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "Muon"])
def test_files_of_whole_optimizers(writer: Any, name: str, tmp_path: Any) -> None:
    reader = lamella if writer is torch else torch

    def step(library: Any, optimizer: Any) -> Any:
        (parameter,) = optimizer.param_groups[0]["params"]

        def closure() -> Any:
            optimizer.zero_grad()
            loss = ((parameter - 0.3) ** 2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        return parameter.detach().numpy()

    parameter = writer.nn.Parameter(writer.linspace(-1, 1, 6).reshape(2, 3))
    optimizer = getattr(writer.optim, name)([parameter])
    step(writer, optimizer)
    writer.save(optimizer, tmp_path / "optimizer.pt")
    found = reader.load(tmp_path / "optimizer.pt", weights_only=False)
    assert type(found) is getattr(reader.optim, name)
    np.testing.assert_allclose(step(reader, found), step(writer, optimizer), rtol=1e-5, atol=1e-6)
