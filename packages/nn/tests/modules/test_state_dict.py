"""state_dict and load_state_dict; texts as PyTorch 2.13 gives them."""

from collections import OrderedDict

import pytest

import lamella_core as lc
from lamella_nn import BatchNorm1d, Buffer, Linear, Module, Parameter, ReLU, Sequential


class WithExtra(Module):
    def __init__(self):
        super().__init__()
        self.l = Linear(2, 3)

    def get_extra_state(self):
        return {"k": 1}

    def set_extra_state(self, state):
        self.got = state


def failure(module, state, **options):
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict(state, **options)
    return str(caught.value)


def test_names_metadata_and_sharing():
    net = Sequential(Linear(2, 3), BatchNorm1d(3))
    state = net.state_dict()
    assert list(state) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    assert state._metadata == {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}
    assert not state["0.weight"].requires_grad
    assert state["0.weight"].data_ptr() == net[0].weight.data_ptr()
    assert net.state_dict(keep_vars=True)["0.weight"] is net[0].weight


def test_prefix_and_destination():
    layer = Linear(1, 1)
    mine = {}
    assert layer.state_dict(destination=mine, prefix="p.") is mine
    assert list(mine) == ["p.weight", "p.bias"]
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        assert list(layer.state_dict(OrderedDict(), "q.", True)) == ["q.weight", "q.bias"]


def test_round_trip():
    first, second = Linear(2, 3), Linear(2, 3)
    weight = second.weight
    result = second.load_state_dict(first.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert second.weight is weight
    assert second.weight.tolist() == first.weight.tolist()
    assert second.weight.data_ptr() != first.weight.data_ptr()


def test_every_error_is_listed_and_what_fits_is_taken():
    # As in PyTorch 2.13, in strict loads and others.
    net = Sequential(Linear(2, 3), BatchNorm1d(3))
    before = {name: value.tolist() for name, value in net.state_dict().items()}
    state = {
        "0.weight": lc.ones(4, 2),
        "x": 1,
        "0.bias": 3,
        "1.zz": lc.ones(1),
        "y.z": lc.ones(1),
        "1.weight": lc.zeros(3),
    }
    assert failure(net, state) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "1.bias", "1.running_mean", "1.running_var". \n'
        '\tUnexpected key(s) in state_dict: "x", "y.z", "1.zz". \n'
        "\tsize mismatch for 0.weight: copying a param with shape torch.Size([4, 2]) from "
        "checkpoint, the shape in current model is torch.Size([3, 2]).\n"
        '\tWhile copying the parameter named "0.bias", expected torch.Tensor or Tensor-like '
        "object from checkpoint but received <class 'int'>"
    )
    after = {name: value.tolist() for name, value in net.state_dict().items()}
    assert after == {**before, "1.weight": [0.0] * 3}
    failure(net, {"1.bias": lc.ones(3), "0.bias": lc.ones(4)}, strict=False)
    assert net[1].bias.tolist() == [1.0] * 3


def test_not_strict():
    layer = Linear(2, 3)
    result = layer.load_state_dict({"zz": 1, "bias": lc.ones(3)}, strict=False)
    assert result.missing_keys == ["weight"] and result.unexpected_keys == ["zz"]
    assert repr(result) == "_IncompatibleKeys(missing_keys=['weight'], unexpected_keys=['zz'])"
    assert layer.bias.tolist() == [1.0, 1.0, 1.0]
    assert "size mismatch for bias" in failure(layer, {"bias": lc.ones(2)}, strict=False)


def test_not_a_mapping():
    with pytest.raises(TypeError) as caught:
        Linear(1, 1).load_state_dict(3)
    assert str(caught.value) == "Expected state_dict to be dict-like, got <class 'int'>."


def test_one_element_fits_a_scalar():
    module = Module()
    module.s = Parameter(lc.tensor(1.0))
    module.load_state_dict({"s": lc.tensor([5.0])})
    assert module.s.item() == 5.0
    assert "size mismatch for s" in failure(module, {"s": lc.ones(2)})


def test_assign():
    layer = Linear(2, 3)
    old = layer.weight
    weight = lc.ones(3, 2, dtype=lc.float64)
    bias = Parameter(lc.ones(3), requires_grad=False)
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    assert layer.weight is not old and isinstance(layer.weight, Parameter)
    assert layer.weight.dtype is lc.float64 and layer.weight.requires_grad
    assert layer.weight.data_ptr() == weight.data_ptr()
    assert layer.bias is bias and bias.requires_grad
    assert "size mismatch for weight" in failure(layer, {"weight": lc.ones(4)}, assign=True)


def test_non_persistent_buffers_stay_out():
    module = Module()
    module.b = Buffer(lc.ones(1), persistent=False)
    assert list(module.state_dict()) == []
    assert "Unexpected" in failure(module, {"b": lc.ones(1)})


def test_extra_state():
    module = WithExtra()
    state = module.state_dict()
    assert list(state) == ["_extra_state", "l.weight", "l.bias"]
    module.load_state_dict(state)
    assert module.got == {"k": 1}
    assert failure(module, {}) == (
        "Error(s) in loading state_dict for WithExtra:\n"
        '\tMissing key(s) in state_dict: "_extra_state", "l.weight", "l.bias". '
    )
    plain = Sequential(OrderedDict(l=Linear(2, 3)))
    assert 'Unexpected key(s) in state_dict: "_extra_state". ' in failure(plain, state)


def test_a_failed_load_sets_extra_state():
    module = WithExtra()
    failure(module, {"_extra_state": 1})
    assert module.got == 1


def test_state_dict_hooks():
    log = []
    net = Sequential(Linear(1, 1), ReLU())
    net.register_state_dict_pre_hook(lambda m, prefix, keep: log.append((prefix, keep)))
    handle = net.register_state_dict_post_hook(
        lambda m, state, prefix, metadata: log.append((list(state), prefix, metadata))
    )
    net.state_dict()
    assert log == [("", False), (["0.weight", "0.bias"], "", {"version": 1})]
    handle.remove()
    net.register_state_dict_post_hook(lambda m, state, prefix, metadata: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        net.state_dict()


def test_load_hooks():
    log = []
    net = Sequential(Linear(1, 1))
    net.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: log.append(prefix))
    net[0].register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: log.append(prefix))
    net.register_load_state_dict_post_hook(lambda m, keys: log.append(m))
    net[0].register_load_state_dict_post_hook(lambda m, keys: log.append(m))
    net.load_state_dict(net.state_dict())
    assert log == ["", "0.", net[0], net]


def test_a_pre_hook_may_rename():
    def rename(module, state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "w")

    layer = Linear(1, 1, bias=False)
    layer.register_load_state_dict_pre_hook(rename)
    mine = {"w": lc.tensor([[7.0]])}
    layer.load_state_dict(mine)
    assert layer.weight.item() == 7.0
    assert list(mine) == ["w"]


def test_a_post_hook_sees_loaded_values_and_may_pardon():
    seen = []

    def pardon(module, keys):
        seen.append(module.bias.item())
        keys.missing_keys.clear()

    layer = Linear(1, 1)
    layer.register_load_state_dict_post_hook(pardon)
    layer.load_state_dict({"bias": lc.tensor([3.0])})
    assert seen == [3.0]


def test_a_post_hook_returns_nothing():
    layer = Linear(1, 1)
    layer.register_load_state_dict_post_hook(lambda m, keys: 3)
    with pytest.raises(AssertionError, match="are not expected to return new values"):
        layer.load_state_dict(layer.state_dict())
