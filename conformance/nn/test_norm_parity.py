"""Weight and spectral normalization of both styles against PyTorch's, over steps of training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.utils.parametrizations as theirs

import lamella_core
import lamella_nn
import lamella_nn.utils.parametrizations as ours

STYLES = {
    "hook": (torch.nn.utils, lamella_nn.utils),
    "parametrization": (theirs, ours),
}
CASES = [
    ("weight_norm", "Linear", (4, 3), (2, 4), {}),
    ("weight_norm", "Conv2d", (2, 3, 2), (2, 2, 4, 4), {"dim": 1}),
    ("weight_norm", "Conv1d", (2, 3, 2), (2, 2, 4), {"dim": None}),
    ("spectral_norm", "Linear", (4, 3), (2, 4), {}),
    ("spectral_norm", "Conv2d", (2, 3, 2), (2, 2, 4, 4), {"n_power_iterations": 3}),
    ("spectral_norm", "ConvTranspose1d", (2, 3, 2), (2, 2, 4), {"eps": 1e-3}),
    ("spectral_norm", "Conv1d", (2, 3, 2), (2, 2, 4), {"dim": 2}),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("norm", "layer", "args", "shape", "options"), CASES, ids=lambda value: str(value)
)
@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_training(norm, layer, args, shape, options, style):
    values = np.random.default_rng(0).standard_normal(shape)
    results = []
    for library, nn, utils in (
        (torch, torch.nn, STYLES[style][0]),
        (lamella_core, lamella_nn, STYLES[style][1]),
    ):
        library.manual_seed(1)
        module = getattr(nn, layer)(*args, dtype=library.float64)
        getattr(utils, norm)(module, **options)
        text = repr(module)
        x = library.tensor(values)
        for _ in range(3):
            module.zero_grad()
            module(x).square().sum().backward()
            for parameter in module.parameters():
                parameter.data -= 0.01 * parameter.grad
        module.eval()
        state = {name: value.numpy() for name, value in module.state_dict().items()}
        results.append((text, module.state_dict()._metadata, state, module(x).detach().numpy()))
    for found, expected in zip(results[1][:2], results[0][:2], strict=True):
        assert found == expected
    assert list(results[1][2]) == list(results[0][2])
    for name, expected in results[0][2].items():
        np.testing.assert_allclose(results[1][2][name], expected, rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(results[1][3], results[0][3], rtol=1e-9)
