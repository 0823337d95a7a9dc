"""``functional_call`` and ensembles of modules."""

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.func import grad, vmap
from lamella_nn import BatchNorm1d, Linear, Module, Parameter, Sequential
from lamella_nn.utils.stateless import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)


class Tied(Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = Parameter(core.ones(2))
        self.b = self.a

    def forward(self, x: core.Tensor) -> core.Tensor:
        return self.a * x + self.b


X = core.ones(3, 2)


def test_other_tensors_stand_in_for_the_parameters() -> None:
    layer = Linear(2, 2)
    kept = layer.weight
    given = {"weight": core.eye(2) * 3, "bias": core.tensor([1.0, 2.0])}
    assert functional_call(layer, given, (X,)).tolist() == [[4.0, 5.0]] * 3
    assert functional_call(layer, given, kwargs={"input": X}).tolist() == [[4.0, 5.0]] * 3
    assert layer.weight is kept


def test_the_module_is_as_it_was_after_an_error() -> None:
    layer = Linear(2, 2)
    kept = layer.weight
    with pytest.raises(RuntimeError):
        functional_call(layer, {"weight": core.ones(5, 5)}, X)
    assert layer.weight is kept


def test_writes_to_buffers_reach_the_given_tensors() -> None:
    net = BatchNorm1d(2)
    buffers = {name: b.clone() for name, b in net.named_buffers()}
    functional_call(net, buffers, core.tensor([[0.0, 2.0], [2.0, 4.0]]))
    assert np.allclose(buffers["running_mean"].numpy(), [0.1, 0.3])
    assert buffers["num_batches_tracked"].item() == 1
    assert net.running_mean.tolist() == [0.0, 0.0]


def test_tied_parameters() -> None:
    net, zero = Tied(), core.zeros(2)
    assert functional_call(net, {"a": zero}, X[0]).tolist() == [0.0, 0.0]
    assert functional_call(net, {"a": zero}, X[0], tie_weights=False).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="tied"):
        functional_call(net, {"a": zero, "b": core.ones(2)}, X[0])


def test_an_ensemble() -> None:
    layers = [Linear(2, 2) for _ in range(3)]
    params, buffers = stack_module_state(layers)
    assert params["weight"].shape == (3, 2, 2)
    assert params["weight"].requires_grad
    assert params["weight"].is_leaf
    assert buffers == {}
    found = vmap(lambda p, x: functional_call(layers[0], p, (x,)), in_dims=(0, None))(params, X)
    expected = [layer(X).detach().numpy() for layer in layers]
    assert np.allclose(found.detach().numpy(), np.stack(expected))


def test_gradients_with_respect_to_the_given_tensors() -> None:
    net = Sequential(Linear(2, 1))
    state = {name: p.detach() for name, p in net.named_parameters()}
    found = grad(lambda p: functional_call(net, p, X).sum())(state)
    assert found["0.weight"].tolist() == [[3.0, 3.0]]
    assert found["0.bias"].tolist() == [3.0]


def test_batch_normalization_without_running_statistics() -> None:
    net = Sequential(BatchNorm1d(2), Sequential(BatchNorm1d(2)))
    assert replace_all_batch_norm_modules_(net) is net
    for part in (net[0], net[1][0]):
        assert part.running_mean is None
        assert not part.track_running_stats
    data = core.arange(12.0).reshape(2, 3, 2)
    found = vmap(net)(data)
    for i in range(2):
        assert np.allclose(found[i].detach().numpy(), net(data[i]).detach().numpy(), atol=1e-6)


def test_errors() -> None:
    layer = Linear(2, 2)
    state = dict(layer.named_parameters())
    with pytest.raises(ValueError, match="multiple dictionaries"):
        functional_call(layer, (state, state), X)
    with pytest.raises(RuntimeError, match="Missing"):
        functional_call(layer, {"bias": core.zeros(2)}, X, strict=True)
    with pytest.raises(RuntimeError, match="Unexpected"):
        functional_call(layer, {**state, "more": X}, X, strict=True)
    with pytest.raises(ValueError, match="dict"):
        functional_call(layer, 3, X)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="at least one"):
        stack_module_state([])
    with pytest.raises(RuntimeError, match="same class"):
        stack_module_state([layer, Tied()])
    with pytest.raises(RuntimeError, match="mode"):
        stack_module_state([layer, Linear(2, 2).eval()])
