"""Other parameters and another state for a while; numbers and errors as in PyTorch 2.13."""

from __future__ import annotations

import copy

import pytest

import lamella_core as core
from lamella_optim import SGD, Adam, swap_in_optimizer_params_and_state


@pytest.fixture
def live():
    first = core.ones(2).requires_grad_()
    second = core.ones(3).requires_grad_()
    optimizer = Adam([{"params": [first]}, {"params": [second], "lr": 0.5}], lr=0.1)
    first.grad, second.grad = core.ones(2), core.ones(3)
    optimizer.step()
    return optimizer, first, second


def test_the_step_is_that_of_what_is_swapped_in(live):
    optimizer, first, second = live
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 9.0
    others = {"a": core.zeros(2), "b": core.zeros(3)}
    for other in others.values():
        other.grad = core.ones_like(other)
    with swap_in_optimizer_params_and_state(optimizer, others, state):
        assert optimizer.param_groups[0]["params"][0] is others["a"]
        optimizer.step()
    assert others["a"].tolist() == pytest.approx([-9.0] * 2)
    assert others["b"].tolist() == pytest.approx([-0.5] * 3)
    assert first.tolist() == pytest.approx([0.9] * 2)
    # In place: the state that was given went on, the optimizer's own did not.
    assert state["state"][0]["step"].item() == 2 and optimizer.state[first]["step"].item() == 1
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.param_groups[1]["params"] == [second]


def test_it_ends_with_an_error_too_and_keeps_nothing_new(live):
    optimizer, first, _ = live
    state = optimizer.state_dict()
    others = {"a": core.zeros(2), "b": core.zeros(3)}
    with pytest.raises(KeyError), swap_in_optimizer_params_and_state(optimizer, others, state):
        optimizer.state[others["a"]]["exp_avg"] = core.full((2,), 5.0)
        raise KeyError
    assert optimizer.param_groups[0]["params"] == [first]
    assert state["state"][0]["exp_avg"].tolist() == pytest.approx([0.1] * 2)


def test_errors(live):
    optimizer, first, _ = live
    others = {"a": core.zeros(2), "b": core.zeros(3)}
    state = optimizer.state_dict()
    groups = state["param_groups"]
    fewer = {"state": {}, "param_groups": [{**groups[0], "params": []}, groups[1]]}
    for target, tensors, given, text in (
        (SGD([first], 0.1), others, state, "requires initialized optimizer state"),
        (optimizer, {"a": core.zeros(2)}, state, "to match optimizer.param_groups ordering"),
        (optimizer, others, {"state": {}}, "list of param-group dicts, got NoneType"),
        (optimizer, others, {**state, "param_groups": groups[:1]}, "number of parameter groups"),
        (optimizer, others, fewer, "param group 0 has a different number of params"),
    ):
        with (
            pytest.raises(RuntimeError, match=text),
            swap_in_optimizer_params_and_state(target, tensors, given),
        ):
            pass
