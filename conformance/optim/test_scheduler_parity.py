"""lamella's schedules against PyTorch's: the same rates, states, warnings and errors."""

from __future__ import annotations

import copy
import math
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.optim.lr_scheduler
import torch.optim.swa_utils

import lamella_core
import lamella_optim
from lamella_optim import lr_scheduler as _lr_scheduler
from lamella_optim import swa_utils as _swa_utils

STEPS = 60
THEIRS = SimpleNamespace(
    core=torch,
    optim=torch.optim,
    schedules={**vars(torch.optim.lr_scheduler), "SWALR": torch.optim.swa_utils.SWALR},
)
OURS = SimpleNamespace(
    core=lamella_core,
    optim=lamella_optim,
    schedules={**vars(_lr_scheduler), "SWALR": _swa_utils.SWALR},
)


class Power:
    """A callable object, whose attributes go into state dicts."""

    def __init__(self, base: float) -> None:
        self.base = base

    def __call__(self, epoch: float) -> float:
        return self.base**epoch


CASES: list[tuple[str, dict[str, Any]]] = [
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": [Power(0.9), Power(0.99)]}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: epoch // 10, lambda epoch: 1 / (1 + epoch)]}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.95}),
    ("MultiplicativeLR", {"lr_lambda": [Power(0.9), lambda epoch: 1 - 1 / (2 + epoch)]}),
    ("StepLR", {"step_size": 1}),
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("StepLR", {"step_size": 100, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 20, 20, 41]}),
    ("MultiStepLR", {"milestones": (30, 5), "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [0, 1], "gamma": 0.3}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.7, "total_iters": 17}),
    ("ConstantLR", {"factor": 1.0, "total_iters": 0}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "end_factor": 0.6, "total_iters": 33}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 40}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ExponentialLR", {"gamma": 1.01}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 44, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 60}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.02}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.02}),
    ("CosineAnnealingWarmRestarts", {"T_0": 11}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 8}),
    (
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02],
            "max_lr": [0.1, 0.3],
            "step_size_up": 5,
            "step_size_down": 9,
            "mode": "triangular2",
            "base_momentum": [0.7, 0.75],
            "max_momentum": [0.9, 0.95],
        },
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 6, "mode": "exp_range", "gamma": 0.97},
    ),
    (
        "CyclicLR",
        {
            "base_lr": 0.01,
            "max_lr": 0.1,
            "step_size_up": 6,
            "scale_fn": Power(0.9),
            "scale_mode": "iterations",
            "cycle_momentum": False,
        },
    ),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 61}),
    ("OneCycleLR", {"max_lr": 0.2, "epochs": 10, "steps_per_epoch": 7, "three_phase": True}),
    (
        "OneCycleLR",
        {
            "max_lr": [0.2, 0.5],
            "total_steps": 62,
            "pct_start": 0.4,
            "anneal_strategy": "linear",
            "base_momentum": [0.7, 0.8],
            "max_momentum": [0.9, 0.95],
            "div_factor": 10.0,
            "final_div_factor": 100.0,
        },
    ),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 100, "cycle_momentum": False}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.05, 0.01], "anneal_epochs": 25, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
]
# By name, a function of a library, an optimizer: the schedules that are made of others.
MADE: dict[str, Any] = {
    "sequence": lambda made, optimizer: made["SequentialLR"](
        optimizer,
        [
            made["LinearLR"](optimizer, start_factor=0.1, total_iters=10),
            made["CosineAnnealingLR"](optimizer, T_max=20),
            made["ExponentialLR"](optimizer, gamma=0.9),
        ],
        milestones=[10, 30],
    ),
    "sequence of one": lambda made, optimizer: made["SequentialLR"](
        optimizer, [made["StepLR"](optimizer, 9)], milestones=[]
    ),
    "sequence of restarts": lambda made, optimizer: made["SequentialLR"](
        optimizer,
        [
            made["ConstantLR"](optimizer, factor=0.1, total_iters=10),
            made["CosineAnnealingWarmRestarts"](optimizer, T_0=5, T_mult=2),
        ],
        milestones=[10],
    ),
    "sequence in a sequence": lambda made, optimizer: made["SequentialLR"](
        optimizer,
        [
            made["SequentialLR"](
                optimizer,
                [made["ConstantLR"](optimizer), made["StepLR"](optimizer, 4, 0.5)],
                milestones=[8],
            ),
            made["MultiStepLR"](optimizer, [3, 8]),
        ],
        milestones=[25],
    ),
    "chain": lambda made, optimizer: made["ChainedScheduler"](
        [
            made["ConstantLR"](optimizer, factor=0.1, total_iters=12),
            made["ExponentialLR"](optimizer, gamma=0.9),
            made["StepLR"](optimizer, 20),
        ]
    ),
    "chain of cosines": lambda made, optimizer: made["ChainedScheduler"](
        [
            made["CosineAnnealingLR"](optimizer, T_max=9, eta_min=0.01),
            made["LinearLR"](optimizer, total_iters=5),
        ],
        optimizer=optimizer,
    ),
}


def make_one(name: str, options: dict[str, Any]) -> Any:
    return lambda made, optimizer: made[name](optimizer, **copy.deepcopy(options))


BUILDERS = [
    *(pytest.param(make_one(*case), id=f"{i}-{case[0]}") for i, case in enumerate(CASES)),
    *(pytest.param(build, id=name) for name, build in MADE.items()),
]


def optimizer_of(library: Any, name: str = "SGD", **options: Any) -> Any:
    if name == "SGD":
        options.setdefault("momentum", 0.9)
    make = library.core.tensor
    params = [make([1.0], requires_grad=True), make([2.0], requires_grad=True)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.5}]
    return getattr(library.optim, name)(groups, lr=0.1, **options)


def options_of(optimizer: Any) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]


def walk(optimizer: Any, scheduler: Any, steps: int) -> list[Any]:
    seen = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        seen.append((scheduler.get_last_lr(), options_of(optimizer)))
    return seen


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
@pytest.mark.parametrize("build", BUILDERS)
def test_rates_and_states(build, name) -> None:
    runs = []
    for library in (THEIRS, OURS):
        optimizer = optimizer_of(library, name)
        scheduler = build(library.schedules, optimizer)
        start = (scheduler.get_last_lr(), options_of(optimizer))
        runs.append(([start, *walk(optimizer, scheduler, STEPS)], scheduler.state_dict()))
    (expected, expected_state), (found, state) = runs
    for step, (mine, wanted) in enumerate(zip(found, expected, strict=True)):
        assert mine == wanted, f"after {step} steps"
    assert list(state) == list(expected_state)
    assert state == expected_state


@pytest.mark.parametrize("build", BUILDERS)
def test_state_round_trips(build) -> None:
    """A fresh schedule goes on as the one did whose state it loads, PyTorch's own or ours."""
    optimizer = optimizer_of(THEIRS)
    scheduler = build(THEIRS.schedules, optimizer)
    walk(optimizer, scheduler, 23)
    saved = copy.deepcopy((scheduler.state_dict(), options_of(optimizer)))
    expected = walk(optimizer, scheduler, 30)
    for library in (THEIRS, OURS):
        fresh = optimizer_of(library)
        again = build(library.schedules, fresh)
        again.load_state_dict(copy.deepcopy(saved[0]))
        for group, options in zip(fresh.param_groups, saved[1], strict=True):
            group.update(options)
        assert walk(fresh, again, 30) == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(*case, id=f"{i}-{case[0]}") for i, case in enumerate(CASES)],
)
def test_resuming_by_epoch(name, options) -> None:
    runs = []
    for library in (THEIRS, OURS):
        optimizer = optimizer_of(library)
        extra = {"initial_lr": 0.3, "max_lr": 0.7, "min_lr": 0.001}
        for group in optimizer.param_groups:
            group.update(extra, max_momentum=0.9, base_momentum=0.8)
        scheduler = make_one(name, {**options, "last_epoch": 12})(library.schedules, optimizer)
        runs.append([scheduler.state_dict(), *walk(optimizer, scheduler, 30)])
    assert runs[1] == runs[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(*case, id=f"{i}-{case[0]}") for i, case in enumerate(CASES)],
)
def test_given_epochs(name, options) -> None:
    runs = []
    for library in (THEIRS, OURS):
        optimizer = optimizer_of(library)
        scheduler = make_one(name, options)(library.schedules, optimizer)
        seen = []
        for epoch in (3, 4, 11, 12, 5, 0, 30):
            optimizer.step()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scheduler.step(epoch)
            seen.append((scheduler.state_dict(), options_of(optimizer), len(caught)))
        runs.append(seen)
    assert runs[1] == runs[0]


@pytest.mark.parametrize("multiple", [1, 2, 3])
def test_restarts_at_fractions(multiple) -> None:
    runs = []
    for library in (THEIRS, OURS):
        optimizer = optimizer_of(library)
        restarts = library.schedules["CosineAnnealingWarmRestarts"]
        scheduler = restarts(optimizer, T_0=3, T_mult=multiple)
        seen = []
        for epoch in range(15):
            for batch in range(4):
                scheduler.step(epoch + batch / 4)
                seen.append((scheduler.get_last_lr(), scheduler.T_cur, scheduler.T_i))
        runs.append(seen)
    assert runs[1] == runs[0]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 3, "factor": 0.5, "cooldown": 4, "min_lr": 0.01},
        {"mode": "max", "patience": 1, "threshold": 0.05},
        {"mode": "max", "patience": 1, "threshold": 0.3, "threshold_mode": "abs"},
        {"patience": 0, "threshold": 0.3, "threshold_mode": "abs", "min_lr": [0.001, 0.02]},
        {"patience": 0, "factor": 0.9, "eps": 0.01},
    ],
)
def test_plateau(options) -> None:
    measures = [math.cos(0.3 * i) + 3 / (1 + i) for i in range(STEPS)]
    runs = []
    for library in (THEIRS, OURS):
        optimizer = optimizer_of(library)
        build = library.schedules["ReduceLROnPlateau"]
        scheduler = build(optimizer, **options)
        seen = []
        for i, measure in enumerate(measures):
            if i == 20:
                state = copy.deepcopy(scheduler.state_dict())
                scheduler = build(optimizer, **options)
                scheduler.load_state_dict(state)
            scheduler.step(library.core.tensor(measure) if i % 2 else measure)
            seen.append((scheduler.get_last_lr(), options_of(optimizer), scheduler.state_dict()))
        runs.append(seen)
    assert runs[1] == runs[0]


def test_rates_as_tensors() -> None:
    for name, options in (
        ("ExponentialLR", {"gamma": 0.9}),
        ("CosineAnnealingLR", {"T_max": 9}),
        ("LinearLR", {}),
        ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 8}),
    ):
        runs = []
        for library in (THEIRS, OURS):
            rate = library.core.tensor(0.1, dtype=library.core.float64)
            param = library.core.tensor([1.0], requires_grad=True)
            optimizer = library.optim.SGD([param], lr=rate, momentum=0.9)
            scheduler = library.schedules[name](optimizer, **options)
            seen = []
            for _ in range(20):
                optimizer.step()
                scheduler.step()
                assert optimizer.param_groups[0]["lr"] is rate
                seen.append([float(each) for each in scheduler.get_last_lr()])
            runs.append(seen)
        assert runs[1] == runs[0]


BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("LambdaLR", "SGD", {"lr_lambda": [abs]}),
    ("MultiplicativeLR", "SGD", {"lr_lambda": [abs]}),
    ("ConstantLR", "SGD", {"factor": 1.5}),
    ("ConstantLR", "SGD", {"factor": -1}),
    ("LinearLR", "SGD", {"start_factor": 0}),
    ("LinearLR", "SGD", {"end_factor": 2}),
    ("CosineAnnealingWarmRestarts", "SGD", {"T_0": 0}),
    ("CosineAnnealingWarmRestarts", "SGD", {"T_0": 2.5}),
    ("CosineAnnealingWarmRestarts", "SGD", {"T_0": 2, "T_mult": 0}),
    ("CosineAnnealingWarmRestarts", "SGD", {"T_0": 2, "eta_min": "a"}),
    ("CyclicLR", "SGD", {"base_lr": 0.1, "max_lr": 0.2, "mode": "x"}),
    ("CyclicLR", "SGD", {"base_lr": [0.1], "max_lr": 0.2}),
    ("CyclicLR", "SGD", {"base_lr": 0.1, "max_lr": [0.2]}),
    ("CyclicLR", "SGD", {"base_lr": 0.1, "max_lr": 0.2, "base_momentum": [0.1]}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "epochs": 2}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "total_steps": -1}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "epochs": 1.5, "steps_per_epoch": 2}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "epochs": 1, "steps_per_epoch": 0}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "total_steps": 5, "pct_start": 1}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "total_steps": 5, "pct_start": 1.5}),
    ("OneCycleLR", "SGD", {"max_lr": 0.1, "total_steps": 5, "anneal_strategy": "x"}),
    ("OneCycleLR", "SGD", {"max_lr": [0.1], "total_steps": 5}),
    ("ReduceLROnPlateau", "SGD", {"factor": 1.0}),
    ("ReduceLROnPlateau", "SGD", {"mode": "x"}),
    ("ReduceLROnPlateau", "SGD", {"threshold_mode": "x"}),
    ("ReduceLROnPlateau", "SGD", {"min_lr": [1.0]}),
    ("SWALR", "SGD", {"swa_lr": [0.1]}),
    ("SWALR", "SGD", {"swa_lr": 0.1, "anneal_epochs": -1}),
    ("SWALR", "SGD", {"swa_lr": 0.1, "anneal_epochs": 1.5}),
    ("SWALR", "SGD", {"swa_lr": 0.1, "anneal_strategy": "x"}),
    ("SequentialLR", "SGD", {"schedulers": [], "milestones": []}),
    ("SequentialLR", "SGD", {"schedulers": [3], "milestones": []}),
]


@pytest.mark.parametrize(("name", "optimizer", "options"), BAD)
def test_bad_arguments(name, optimizer, options) -> None:
    caught = []
    for library in (THEIRS, OURS):
        with pytest.raises((ValueError, TypeError)) as error:
            library.schedules[name](optimizer_of(library, optimizer), **options)
        caught.append((error.type, str(error.value)))
    assert caught[1] == caught[0]


def step_first(made: Any, optimizer: Any) -> None:
    made["StepLR"](optimizer, 2).step()


def overridden(made: Any, optimizer: Any) -> None:
    scheduler = made["StepLR"](optimizer, 2)
    optimizer.step = lambda: None
    scheduler.step()


def with_epoch(made: Any, optimizer: Any) -> None:
    scheduler = made["StepLR"](optimizer, 2)
    optimizer.step()
    scheduler.step(3)


def outside(made: Any, optimizer: Any) -> None:
    made["StepLR"](optimizer, 2).get_lr()


def in_order(made: Any, optimizer: Any) -> None:
    scheduler = made["StepLR"](optimizer, 2)
    optimizer.step()
    scheduler.step()


@pytest.mark.parametrize("program", [step_first, overridden, with_epoch, outside, in_order])
def test_warnings(program) -> None:
    caught = []
    for library in (THEIRS, OURS):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            program(library.schedules, optimizer_of(library))
        caught.append([(each.category, str(each.message)[:40]) for each in seen])
    assert caught[1] == caught[0]
