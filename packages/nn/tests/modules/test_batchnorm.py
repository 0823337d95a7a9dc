"""Batch normalisation of volumes, against NumPy.

Texts recorded from PyTorch 2.13.
"""

import numpy as np
import pytest

import lamella_core as lc
import lamella_nn as nn


def close(result, expected):
    np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            nn.BatchNorm3d(3),
            "BatchNorm3d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
            "track_running_stats=True)",
        ),
        (
            nn.BatchNorm3d(3, 1e-3, None, False, False),
            "BatchNorm3d(3, eps=0.001, momentum=None, affine=False, bias=False, "
            "track_running_stats=False)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def test_volumes():
    values = np.random.default_rng(0).standard_normal((2, 3, 2, 4, 5))
    mean = values.mean((0, 2, 3, 4), keepdims=True)
    variance = values.var((0, 2, 3, 4), keepdims=True)
    layer = nn.BatchNorm3d(3).double()
    close(layer(lc.from_numpy(values)), (values - mean) / np.sqrt(variance + 1e-5))
    close(layer.running_mean, 0.1 * mean.reshape(3))
    with pytest.raises(ValueError, match="expected 5D input .got 4D input."):
        layer(lc.ones(2, 3, 4, 5))


def test_one_process_is_in_step_with_itself():
    lc.manual_seed(0)
    x = lc.randn(4, 3, 5)
    synced, plain = nn.SyncBatchNorm(3), nn.BatchNorm1d(3)
    assert lc.equal(synced(x), plain(x))
    assert lc.equal(synced.running_var, plain.running_var)
    with pytest.raises(ValueError, match="at least 2D input .got 1D"):
        synced(lc.zeros(3))
    with pytest.raises(ValueError, match=r"non-zero.*\[2, 0, 3\]"):
        synced(lc.zeros(2, 0, 3))


def test_conversion_keeps_parameters_and_places():
    net = nn.Sequential(
        nn.Conv2d(1, 3, 2),
        nn.BatchNorm2d(3),
        nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.InstanceNorm2d(3)),
    ).eval()
    weight, state = net[1].weight, net.state_dict()
    assert nn.SyncBatchNorm.convert_sync_batchnorm(net) is net
    assert isinstance(net[1], nn.SyncBatchNorm)
    assert isinstance(net[2][0], nn.SyncBatchNorm)
    assert isinstance(net[2][1], nn.InstanceNorm2d)
    assert net[1].weight is weight
    assert not net[1].training
    assert list(net.state_dict()) == list(state)
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm2d(2)), nn.SyncBatchNorm)
