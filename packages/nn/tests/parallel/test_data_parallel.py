"""One batch on several devices gives what it gives on one."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_autograd import no_grad
from lamella_nn.parallel import data_parallel


def network(device):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(device)


def test_results_and_gradients(fake):
    plain, spread = network("cpu"), network("fake:0")
    parallel = nn.DataParallel(spread)
    assert parallel.device_ids == [0, 1, 2]
    values = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    x = torch.tensor(values, requires_grad=True)
    y = torch.tensor(values).to("fake:0").requires_grad_()
    expected, found = plain(x), parallel(y)
    assert str(found.device) == "fake:0"
    np.testing.assert_allclose(found.detach().cpu().numpy(), expected.detach().numpy(), rtol=1e-5)
    expected.square().sum().backward()
    found.square().sum().backward()
    for mine, theirs in zip([y, *spread.parameters()], [x, *plain.parameters()], strict=True):
        assert mine.grad.device == mine.device
        np.testing.assert_allclose(
            mine.grad.cpu().numpy(), theirs.grad.numpy(), rtol=1e-4, atol=1e-6
        )


def test_each_device_has_a_thread_of_its_own(fake):
    fake.used.clear()
    nn.DataParallel(network("fake:0"), [0, 2])(torch.ones(4, 3).to("fake:0"))
    assert sorted(index for _, index in fake.used) == [0, 2]


def test_a_short_batch_uses_fewer_devices(fake):
    fake.used.clear()
    parallel = nn.DataParallel(network("fake:0"), output_device=1)
    result = parallel(torch.ones(2, 3).to("fake:0"))
    assert sorted(index for _, index in fake.used) == [0, 1]
    assert str(result.device) == "fake:1"
    assert result.shape == (2, 2)


def test_buffers_on_the_first_device_are_written(fake):
    norm = nn.BatchNorm1d(3).to("fake:0")
    nn.DataParallel(norm, [0, 1])(torch.arange(12.0).reshape(4, 3).to("fake:0"))
    # The first device has rows 0 and 1; the momentum is 0.1.
    assert norm.running_mean.cpu().tolist() == pytest.approx([0.15, 0.25, 0.35])


def test_the_callers_modes_hold_in_the_threads(fake):
    parallel = nn.DataParallel(network("fake:0"))
    with no_grad():
        assert not parallel(torch.ones(6, 3).to("fake:0")).requires_grad


def test_on_the_cpu_the_module_is_called_as_it_is():
    module = network("cpu")
    parallel = nn.DataParallel(module, device_ids=[0])
    assert parallel.device_ids == []
    assert torch.equal(parallel(torch.ones(2, 3)), module(torch.ones(2, 3)))
    assert list(parallel.state_dict())[0] == "module.0.weight"
    assert torch.equal(data_parallel(module, torch.ones(2, 3)), module(torch.ones(2, 3)))


def test_on_one_device_the_module_is_called_as_it_is(fake):
    module = network("fake:1")
    fake.used.clear()
    data_parallel(module, (torch.ones(2, 3).to("fake:1"),), [1])
    assert fake.used == []


class Options(nn.Module):
    def forward(self, x, *, scale=1.0, flag=None):
        return {"scaled": x * scale, "flag": flag, "sum": x.sum()}


def test_arguments_by_name_and_structures(fake):
    x = torch.ones(4, 2).to("fake:0")
    scale = torch.arange(4.0).reshape(4, 1).to("fake:0")
    with pytest.warns(UserWarning, match="will instead unsqueeze and return a vector"):
        result = nn.DataParallel(Options(), ["fake:0", "fake:1"])(x, scale=scale)
    assert result["scaled"][:, 0].cpu().tolist() == [0.0, 1.0, 2.0, 3.0]
    assert result["flag"] is None
    assert result["sum"].cpu().tolist() == [4.0, 4.0]


def test_errors(fake):
    with pytest.raises(RuntimeError, match=r"on device fake:0 \(device_ids\[0\]\).*device: fake:1"):
        nn.DataParallel(network("fake:1"))(torch.ones(2, 3))
    with pytest.raises(ValueError, match="devices of type fake, the module's, but got cpu"):
        nn.DataParallel(network("fake:0"), ["cpu"])
    with pytest.raises(RuntimeError, match="fake:3 does not exist: there are 3"):
        nn.DataParallel(network("fake:0"), [0, 3])
    with pytest.raises(AttributeError, match="comes with the distribution lamella-distributed"):
        _ = nn.parallel.DistributedDataParallel
