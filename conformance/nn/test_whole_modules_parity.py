"""Files of whole modules that carry hooks of their own, read by the other side."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.prune

import lamella

BUILDS = {
    "weight_norm": lambda library, layer: library.nn.utils.weight_norm(layer),
    "spectral_norm": lambda library, layer: library.nn.utils.spectral_norm(layer),
    "prune": lambda library, layer: library.nn.utils.prune.l1_unstructured(layer, "weight", 2),
    "DataParallel": lambda library, layer: library.nn.DataParallel(layer),
    "AveragedModel": lambda library, layer: library.optim.swa_utils.AveragedModel(layer),
    "Conv1d": lambda library, layer: library.nn.Sequential(layer, library.nn.Softplus(2)),
}
REMOVALS = {
    "weight_norm": lambda library, layer: library.nn.utils.remove_weight_norm(layer),
    "spectral_norm": lambda library, layer: library.nn.utils.remove_spectral_norm(layer),
    "prune": lambda library, layer: library.nn.utils.prune.remove(layer, "weight"),
}


@pytest.mark.parametrize("writer", [torch, lamella])
@pytest.mark.parametrize("name", BUILDS)
def test_the_other_side_goes_on(writer: Any, name: str, tmp_path: Any) -> None:
    reader = lamella if writer is torch else torch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        writer.manual_seed(0)
        module = BUILDS[name](writer, writer.nn.Linear(3, 2))
        # Random vectors may be nearly orthogonal to the weight: the norm's first estimate, by which
        # it divides, is then all rounding.
        module(writer.ones(1, 3))
        module.eval()
        writer.save(module, tmp_path / "module.pt")
        found = reader.load(tmp_path / "module.pt", weights_only=False)
        assert type(found).__name__ == type(module).__name__
        found.load_state_dict(found.state_dict())
        for _ in range(2):
            given, expected = found(reader.ones(1, 3)), module(writer.ones(1, 3))
            np.testing.assert_allclose(
                given.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6
            )
            if name in REMOVALS:
                REMOVALS[name](reader, found)
                REMOVALS[name](writer, module)
                assert list(found.state_dict()) == list(module.state_dict())
                break
