"""Half precision is computed in float32 and rounded once: the float32 result, rounded, is ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lamella_core as torch
from lamella_nn import functional as F

WEIGHT = torch.tensor([0.5, 1.5, -2.0, 3.0])
BIAS = torch.tensor([0.1, 0.2, 0.3, 0.4])

FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "group_norm": lambda x, weight, bias: F.group_norm(x, 2, weight, bias),
    "instance_norm": lambda x, weight, bias: F.instance_norm(x, weight=weight, bias=bias),
    "batch_norm": lambda x, weight, bias: F.batch_norm(x, bias, weight.abs(), weight, bias),
    "huber_loss": lambda x, weight, bias: F.huber_loss(x, x * 0.25, reduction="none", delta=0.7),
    "interpolate": lambda x, weight, bias: F.interpolate(x, 5, mode="linear"),
}
# The first three numbers in bfloat16, recorded from PyTorch 2.13 on CPU. The functions that are not
# here PyTorch rounds in between.
RECORDED = {
    "group_norm": [-0.6328125, -0.333984375, -0.05322265625],
    "batch_norm": [-2.09375, -1.90625, -1.7265625],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rounded_once(name: str, dtype: torch.dtype) -> None:
    function = FUNCTIONS[name]
    given = [x.to(dtype) for x in (torch.linspace(-3, 3, 24).reshape(2, 4, 3), WEIGHT, BIAS)]
    found = function(*given)
    assert found.dtype is dtype
    assert found.tolist() == function(*[x.float() for x in given]).to(dtype).tolist()
    if dtype is torch.bfloat16 and name in RECORDED:
        assert found.reshape(-1)[:3].tolist() == RECORDED[name]


def test_running_statistics_are_rounded_once() -> None:
    x = torch.linspace(-1, 2, 30).reshape(5, 2, 3).bfloat16()
    mean = torch.tensor([1.0, -0.3]).bfloat16()
    wide = mean.float()
    F.batch_norm(x, mean, None, training=True)
    F.batch_norm(x.float(), wide, None, training=True)
    assert mean.tolist() == wide.bfloat16().tolist()
