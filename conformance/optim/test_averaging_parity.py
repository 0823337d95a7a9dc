"""Averaged models and their batch statistics against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lamella


def average(framework: Any, kind: str, use_buffers: bool) -> dict[str, np.ndarray]:
    """Trains for some steps with an average beside it; the average's state at the end."""
    framework.manual_seed(0)
    nn, swa = framework.nn, framework.optim.swa_utils
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    functions = {
        "mean": {},
        "ema": {"avg_fn": swa.get_ema_avg_fn(0.9)},
        "ema list": {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9)},
        "swa": {"avg_fn": swa.get_swa_avg_fn()},
        "swa list": {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    }
    averaged = swa.AveragedModel(model, use_buffers=use_buffers, **functions[kind])
    optimizer = framework.optim.SGD(model.parameters(), lr=0.1)
    schedule = swa.SWALR(optimizer, swa_lr=0.05, anneal_epochs=3)
    batches = [framework.randn(8, 4) for _ in range(5)]
    for batch in batches:
        optimizer.zero_grad()
        model(batch).square().mean().backward()
        optimizer.step()
        averaged.update_parameters(model)
        schedule.step()
    swa.update_bn([(batch, None) for batch in batches], averaged)
    state = {name: value.numpy() for name, value in averaged.state_dict().items()}
    averaged.eval()
    return {**state, "output": averaged(batches[0]).detach().numpy()}


# PyTorch's list of means cannot take the integer buffer of a batch normalisation.
@pytest.mark.parametrize(
    ("kind", "use_buffers"),
    [
        *((kind, False) for kind in ("mean", "ema", "ema list", "swa", "swa list")),
        *((kind, True) for kind in ("mean", "ema", "ema list", "swa")),
    ],
)
def test_same_average(kind: str, use_buffers: bool) -> None:
    found, expected = average(lamella, kind, use_buffers), average(torch, kind, use_buffers)
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_allclose(found[name], value, rtol=2e-5, atol=1e-6)
