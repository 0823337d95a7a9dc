"""Pruning against PyTorch's: the same masks from the same seed, step after step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.utils.prune as theirs

import lamella_core
import lamella_nn
import lamella_nn.utils.prune as ours

INF = float("inf")
STEPS = {
    "unstructured": [("l1_unstructured", 0.3), ("random_unstructured", 5), ("l1_unstructured", 2)],
    "structured": [("ln_structured", 1, 2, 0), ("random_structured", 0.4, -1)],
    "norms": [("ln_structured", 1, 1, 1), ("ln_structured", 1, INF, 0)],
    "least": [("ln_structured", 1, -INF, 1)],
    "mixed": [
        ("random_unstructured", 0.5),
        ("ln_structured", 0.25, 2, 1),
        ("l1_unstructured", 0.2),
        ("random_structured", 1, 0),
        ("identity",),
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", [(6, 5), (4, 6, 3, 2)], ids=["matrix", "kernel"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_masks(steps, shape):
    weight = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    masks = []
    for library, nn, prune in ((torch, torch.nn, theirs), (lamella_core, lamella_nn, ours)):
        module = nn.Module()
        module.weight = nn.Parameter(library.tensor(weight))
        library.manual_seed(3)
        masks.append([])
        for name, *args in steps:
            getattr(prune, name)(module, "weight", *args)
            masks[-1].append(module.weight_mask.numpy().copy())
        masks[-1].append(library.rand(2).numpy())
    for found, expected in zip(masks[1], masks[0], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["L1Unstructured", "RandomUnstructured"])
def test_masks_over_several_modules(method):
    states = []
    for library, nn, prune in ((torch, torch.nn, theirs), (lamella_core, lamella_nn, ours)):
        library.manual_seed(4)
        net = nn.Sequential(nn.Linear(5, 4), nn.Conv2d(2, 3, 2))
        pairs = [(net[0], "weight"), (net[1], "weight"), (net[0], "bias")]
        prune.l1_unstructured(net[1], "weight", 0.3)
        prune.global_unstructured(pairs, getattr(prune, method), amount=0.4)
        prune.global_unstructured(pairs, getattr(prune, method), amount=7)
        states.append({name: value.detach().numpy() for name, value in net.state_dict().items()})
    assert list(states[1]) == list(states[0])
    for name, expected in states[0].items():
        np.testing.assert_array_equal(states[1][name], expected, err_msg=name)
