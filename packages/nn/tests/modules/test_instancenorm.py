"""Instance normalisation, against NumPy.

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
            nn.InstanceNorm1d(3),
            "InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, "
            "track_running_stats=False)",
        ),
        (
            nn.InstanceNorm1d(3, 1e-3, 0.2, True, True),
            "InstanceNorm1d(3, eps=0.001, momentum=0.2, affine=True, bias=True, "
            "track_running_stats=True)",
        ),
        (
            nn.InstanceNorm2d(3, affine=True, bias=False),
            "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=False, "
            "track_running_stats=False)",
        ),
        (
            nn.InstanceNorm3d(3, track_running_stats=True),
            "InstanceNorm3d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, "
            "track_running_stats=True)",
        ),
    ],
)
def test_text(layer, text):
    assert repr(layer) == text


def normalised(values):
    places = tuple(range(2, values.ndim))
    mean = values.mean(places, keepdims=True)
    return (values - mean) / np.sqrt(values.var(places, keepdims=True) + 1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_each_channel_of_each_sample(dimensions):
    values = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6)[: dimensions + 2])
    layer = getattr(nn, f"InstanceNorm{dimensions}d")(3)
    close(layer(lc.from_numpy(values)), normalised(values))
    close(layer(lc.from_numpy(values[0])), normalised(values)[0])


def test_running_statistics():
    values = np.random.default_rng(1).standard_normal((2, 3, 5))
    layer = nn.InstanceNorm1d(3, momentum=0.2, affine=True, track_running_stats=True).double()
    layer(lc.from_numpy(values))
    mean = 0.2 * values.mean((0, 2))
    variance = 0.8 + 0.2 * values.var(2, ddof=1).mean(0)
    close(layer.running_mean, mean)
    close(layer.running_var, variance)
    assert layer.num_batches_tracked.item() == 0
    layer.eval()
    expected = (values - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
    close(layer(lc.from_numpy(values)), expected)


def test_dimensions_and_channels():
    with pytest.raises(ValueError, match="expected 3D or 4D input .got 2D input."):
        nn.InstanceNorm2d(3)(lc.ones(2, 3))
    with pytest.raises(ValueError, match="to match num_features .3., but got: 4"):
        nn.InstanceNorm1d(3, affine=True)(lc.ones(2, 4, 5))
    with pytest.warns(UserWarning, match="does not match num_features"):
        nn.InstanceNorm1d(3)(lc.ones(2, 4, 5))


def test_states_without_version():
    state = dict(nn.InstanceNorm1d(2, track_running_stats=True).state_dict())
    with pytest.raises(RuntimeError, match="Unexpected running stats buffer"):
        nn.InstanceNorm1d(2).load_state_dict(state)
