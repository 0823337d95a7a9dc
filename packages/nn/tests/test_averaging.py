from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as core
from lamella_nn import BatchNorm1d, Linear, Sequential
from lamella_nn.averaging import AveragedModel, update_bn


def model_with(weight: Any) -> Linear:
    layer = Linear(2, 1, bias=False)
    layer.weight.detach().copy_(core.tensor([weight]))
    return layer


def test_mean_of_all_updates() -> None:
    weights = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    model = model_with(weights[0])
    averaged = AveragedModel(model)
    for i, weight in enumerate(weights):
        model.weight.detach().copy_(core.tensor(weight[None]))
        averaged.update_parameters(model)
        assert averaged.n_averaged.item() == i + 1
        np.testing.assert_allclose(
            averaged.module.weight.detach().numpy()[0], weights[: i + 1].mean(0), rtol=1e-5
        )
    inputs = core.tensor([[1.0, 2.0]])
    np.testing.assert_array_equal(
        averaged(inputs).detach().numpy(), averaged.module(inputs).detach().numpy()
    )


@pytest.mark.parametrize("several", [False, True])
def test_own_averaging_function(several: bool) -> None:
    counts = []

    def one(average: Any, current: Any, count: Any) -> Any:
        counts.append(count.item())
        return 0.75 * average + 0.25 * current

    def many(averages: Any, currents: Any, count: Any) -> None:
        for average, current in zip(averages, currents, strict=True):
            average.copy_(one(average, current, count))

    model = model_with([4.0, 8.0])
    averaged = AveragedModel(model, **({"multi_avg_fn": many} if several else {"avg_fn": one}))
    averaged.update_parameters(model)
    model.weight.detach().zero_()
    averaged.update_parameters(model)
    assert averaged.module.weight.tolist() == [[3.0, 6.0]]
    # The first update copies.
    assert counts == [1]


def test_only_one_averaging_function() -> None:
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        AveragedModel(Linear(1, 1), avg_fn=lambda a, b, n: a, multi_avg_fn=lambda a, b, n: None)


@pytest.mark.parametrize(("use_buffers", "expected"), [(False, 3.0), (True, 2.0)])
def test_buffers_are_copied_or_averaged(use_buffers: bool, expected: float) -> None:
    model = BatchNorm1d(1)
    averaged = AveragedModel(model, use_buffers=use_buffers)
    for value in (1.0, 3.0):
        model.running_mean.fill_(value)
        averaged.update_parameters(model)
    assert averaged.module.running_mean.tolist() == [expected]


def test_state_dict_has_the_count_and_the_module() -> None:
    averaged = AveragedModel(Linear(2, 1))
    assert list(averaged.state_dict()) == ["n_averaged", "module.weight", "module.bias"]
    assert averaged.n_averaged.dtype is core.int64


def test_statistics_of_a_pass_over_the_data() -> None:
    data = np.random.default_rng(1).standard_normal((4, 8, 3)).astype(np.float32)
    model = Sequential(BatchNorm1d(3))
    norm = model[0]
    norm.running_mean.fill_(100.0)
    model.eval()
    update_bn([(core.tensor(batch), None) for batch in data], model)
    np.testing.assert_allclose(norm.running_mean.numpy(), data.mean((0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.numpy(), data.var(1, ddof=1).mean(0), rtol=1e-5)
    assert norm.momentum == 0.1
    assert not norm.training


def test_statistics_survive_an_error_in_the_data() -> None:
    model = Sequential(BatchNorm1d(3))

    def batches() -> Any:
        yield core.ones(2, 3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        update_bn(batches(), model)
    assert model[0].momentum == 0.1
