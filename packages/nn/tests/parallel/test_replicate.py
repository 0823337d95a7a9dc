"""Copies of a module on several devices."""

from __future__ import annotations

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.parallel import replicate


def test_copies_share_on_the_modules_device_and_lead_back_from_others(fake):
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to("fake:0")
    here, there = replicate(module, ["fake:0", "fake:1"])
    assert here[0].weight is module[0].weight
    assert here[1].running_mean is module[1].running_mean
    assert str(there[0].weight.device) == "fake:1"
    assert str(there[1].running_mean.device) == "fake:1"
    (here[0].weight.sum() + 2 * there[0].weight.sum().to("fake:0")).backward()
    assert module[0].weight.grad.cpu().tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert module[0].weight.requires_grad


def test_what_is_shared_stays_shared(fake):
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).to("fake:0")
    module[1].weight = module[0].weight
    module.append(module[0])
    (copy,) = replicate(module, ["fake:2"])
    assert copy[1].weight is copy[0].weight
    assert copy[2] is copy[0]
    assert copy is not module


def test_detached_copies(fake):
    module = nn.Linear(2, 2).to("fake:0")
    for copy in replicate(module, ["fake:0", "fake:1"], detach=True):
        assert not copy.weight.requires_grad
    assert torch.equal(copy.weight.cpu(), module.weight.cpu())
