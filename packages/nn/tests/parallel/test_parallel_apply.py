"""Modules called at the same time."""

from __future__ import annotations

import threading

import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.parallel import parallel_apply


class Meeting(nn.Module):
    """Waits until all others have been called too."""

    def __init__(self, barrier):
        super().__init__()
        self.barrier = barrier

    def forward(self, x, add=0):
        self.barrier.wait(timeout=10)
        return x + add


def test_at_the_same_time_and_in_order():
    barrier = threading.Barrier(3)
    modules = [Meeting(barrier) for _ in range(3)]
    inputs = [torch.tensor(float(i)) for i in range(3)]
    results = parallel_apply(modules, inputs, [{"add": 10}, {}, {"add": 1}])
    assert [float(each) for each in results] == [10.0, 1.0, 3.0]


class Failing(nn.Module):
    def forward(self, x):
        raise KeyError("nothing there")


def test_an_error_says_where():
    with pytest.raises(KeyError) as caught:
        parallel_apply([nn.Identity(), Failing()], [(1,), (2,)], devices=[None, None])
    assert caught.value.__notes__ == ["in replica 1 on device None"]
    with pytest.raises(ValueError, match="expected 2 inputs.*got 1, 2 and 2"):
        parallel_apply([nn.Identity(), nn.Identity()], [1])
