"""Pruning: which entries are chosen, what the module then holds, and how it ends."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_nn.utils import prune

WEIGHT = [[1.0, -5.0, 0.5], [-2.0, 3.0, -4.0]]


def layer(weight=WEIGHT):
    module = nn.Linear(len(weight[0]), len(weight))
    module.weight.data = torch.tensor(weight)
    return module


def test_what_a_pruned_module_holds():
    module = layer()
    whole = module.weight
    assert prune.l1_unstructured(module, "weight", 2) is module
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight_orig"]
    assert [name for name, _ in module.named_buffers()] == ["weight_mask"]
    assert module.weight_orig is whole
    assert module.weight_mask.tolist() == [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    assert module.weight.tolist() == [[0.0, -5.0, 0.0], [-2.0, 3.0, -4.0]]
    assert prune.is_pruned(nn.Sequential(module))


def test_gradients_are_masked_and_the_mask_is_applied_at_each_call():
    module = prune.l1_unstructured(layer(), "weight", 0.5)
    with_first = module(torch.ones(1, 3)).detach()
    module(torch.ones(1, 3)).sum().backward()
    assert module.weight_orig.grad.tolist() == module.weight_mask.tolist()
    module.weight_orig.data += 1.0
    by_hand = (module.weight_orig * module.weight_mask).sum(1) + module.bias
    np.testing.assert_allclose(module(torch.ones(1, 3)).tolist(), [by_hand.tolist()], rtol=1e-6)
    assert not torch.equal(with_first, module(torch.ones(1, 3)))


def test_remove_keeps_the_zeros_and_the_parameter():
    module = prune.l1_unstructured(layer(), "weight", 3)
    whole = module.weight_orig
    assert prune.remove(module, "weight") is module
    assert module.weight is whole
    assert module.weight.tolist() == [[0.0, -5.0, 0.0], [0.0, 3.0, -4.0]]
    assert list(module.state_dict()) == ["bias", "weight"]
    assert not prune.is_pruned(module)
    with pytest.raises(ValueError, match="'weight' of module Linear.* has to be pruned before"):
        prune.remove(module, "weight")


NORMS = [(1, 0, [6.5, 9.0]), (2, 1, None), (float("inf"), 0, [5.0, 4.0])]


@pytest.mark.parametrize(("n", "dim", "lengths"), NORMS)
def test_channels_of_least_norm(n, dim, lengths):
    if lengths is None:
        lengths = np.linalg.norm(WEIGHT, n, 1 - dim)
    module = prune.ln_structured(layer(), "weight", 1, n, dim)
    expected = np.ones((2, 3))
    expected[(slice(None),) * dim + (int(np.argmin(lengths)),)] = 0
    np.testing.assert_array_equal(module.weight_mask.numpy(), expected)


def test_random_masks_are_pytorchs():
    # PyTorch 2.13, torch.manual_seed(7), for a weight of shape (3, 4).
    module = layer([[1.0] * 4] * 3)
    torch.manual_seed(7)
    prune.random_unstructured(module, "weight", 0.4)
    assert module.weight_mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]
    module = layer([[1.0] * 4] * 3)
    torch.manual_seed(7)
    prune.random_structured(module, "weight", 2, 1)
    assert module.weight_mask.tolist() == [[0, 0, 1, 1]] * 3


def test_scores_choose_in_the_place_of_the_weight():
    scores = torch.tensor([[3.0, 0.0, 2.0], [9.0, 1.0, 8.0]])
    module = prune.l1_unstructured(layer(), "weight", 2, scores)
    assert module.weight_mask.tolist() == [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]
    module = prune.ln_structured(layer(), "weight", 1, 2, 0, scores)
    assert module.weight_mask.tolist() == [[0.0] * 3, [1.0] * 3]
    with pytest.raises(AssertionError, match=r"same shape as parameter weight.*\[2\]"):
        prune.l1_unstructured(layer(), "weight", 2, torch.ones(2))


def test_later_pruning_is_of_what_is_left():
    module = prune.l1_unstructured(layer(), "weight", 2)
    prune.l1_unstructured(module, "weight", 0.5)  # two of the four that are left
    assert module.weight_mask.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    prune.ln_structured(module, "weight", 1, 2, 1)  # two of the columns are empty already
    (container,) = module._forward_pre_hooks.values()
    assert [type(each).__name__ for each in container] == [
        "L1Unstructured", "L1Unstructured", "LnStructured",
    ]  # fmt: skip
    assert len(container) == 3
    assert module.weight_mask.sum() == 1
    assert len(module._forward_pre_hooks) == 1


def test_a_given_mask_and_no_pruning():
    module = prune.custom_from_mask(layer(), "bias", torch.tensor([0, 1]))
    assert module.bias_mask.dtype is torch.float32
    assert module.bias[0] == 0
    module = prune.identity(layer(), "weight")
    assert module.weight_mask.tolist() == [[1.0] * 3] * 2
    with pytest.raises(AssertionError, match=r"\[2, 3\].*\[3\]"):
        prune.custom_from_mask(layer(), "weight", torch.ones(3))


def test_over_several_modules():
    first, second = layer(), layer([[0.1, 9.0]])
    pairs = [(first, "weight"), (second, "weight")]
    prune.l1_unstructured(first, "weight", 1)
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=2)
    assert first.weight_mask.tolist() == [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    assert second.weight_mask.tolist() == [[0.0, 1.0]]
    scores = {(second, "weight"): torch.tensor([[0.0, 0.2]])}
    prune.global_unstructured(pairs, prune.L1Unstructured, scores, amount=1)
    assert second.weight_mask.tolist() == [[0.0, 0.0]]


def test_a_state_goes_over():
    module = prune.l1_unstructured(layer(), "weight", 2)
    other = prune.identity(layer([[7.0] * 3] * 2), "weight")
    other.load_state_dict(module.state_dict())
    other(torch.ones(1, 3))
    assert torch.equal(other.weight, module.weight)


def test_on_a_tensor_alone():
    method = prune.L1Unstructured(2)
    values = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert method.prune(values).tolist() == [[0.0, 0.0], [3.0, 4.0]]
    assert method.prune(values, importance_scores=-values).tolist() == [[0.0, 0.0], [3.0, 4.0]]
    start = torch.tensor([[1, 1], [1, 0]])
    assert method.prune(values, default_mask=start).tolist() == [[0.0, 0.0], [3.0, 0.0]]
    with pytest.raises(AssertionError, match="same shape as tensor t"):
        method.prune(values, importance_scores=torch.ones(3))


class KeepFirst(prune.BasePruningMethod):
    """A method of a user's own."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = torch.zeros_like(default_mask)
        mask.view(-1)[0] = 1
        return mask


class Failing(KeepFirst):
    def compute_mask(self, t, default_mask):
        raise KeyError("no mask")


def test_a_method_of_ones_own():
    module = layer()
    KeepFirst.apply(module, "weight")
    assert module.weight_mask.sum() == 1
    assert pickle.loads(pickle.dumps(KeepFirst())).PRUNING_TYPE == "unstructured"
    with pytest.raises(TypeError, match="abstract"):
        prune.BasePruningMethod()


@pytest.mark.parametrize("start", [lambda module: module, prune.identity])
def test_a_method_that_fails_leaves_the_module_as_it_was(start):
    module = layer()
    if start is prune.identity:
        start(module, "weight")
    before, hooks = dict(module.state_dict()), len(module._forward_pre_hooks)
    with pytest.raises(KeyError):
        Failing.apply(module, "weight")
    assert list(module.state_dict()) == list(before)
    assert len(module._forward_pre_hooks) == hooks
    module(torch.ones(1, 3))


def test_containers_check_what_they_get():
    first, second = prune.L1Unstructured(1), prune.L1Unstructured(1)
    first._tensor_name, second._tensor_name = "weight", "bias"
    container = prune.PruningContainer(first)
    assert container[0] is first
    with pytest.raises(ValueError, match="named 'weight'.*Found 'bias'"):
        container.add_pruning_method(second)
    with pytest.raises(TypeError, match="not a BasePruningMethod subclass"):
        container.add_pruning_method(3)
    second._tensor_name, second.PRUNING_TYPE = "weight", "diagonal"
    container.add_pruning_method(second)
    with pytest.raises(ValueError, match="Unrecognized PRUNING_TYPE diagonal"):
        container.compute_mask(torch.ones(2), torch.ones(2))


AMOUNTS = [
    (TypeError, "Invalid type for amount: a", "a"),
    (TypeError, "Invalid type for amount: True", True),
    (ValueError, "amount=-1 should either", -1),
    (ValueError, "amount=1.5 should either", 1.5),
    (ValueError, "amount=7 should be smaller.*=6", 7),
]


@pytest.mark.parametrize(("kind", "text", "amount"), AMOUNTS)
def test_amounts(kind, text, amount):
    with pytest.raises(kind, match=text):
        prune.random_unstructured(layer(), "weight", amount)


def test_other_errors():
    module = layer()
    with pytest.raises(AttributeError, match="weights"):
        prune.random_unstructured(module, "weights", 1)
    with pytest.raises(ValueError, match=r"multidimensional.*\[2\]\) with 1 dims"):
        prune.random_structured(module, "bias", 1, 0)
    with pytest.raises(IndexError, match=r"Invalid index 2 for tensor of size .*\[2, 3\]"):
        prune.ln_structured(module, "weight", 1, 2, 2)
    with pytest.raises(TypeError, match="no parameter"):
        prune.identity(nn.BatchNorm1d(2), "running_mean")
    pairs = [(module, "weight")]
    with pytest.raises(TypeError, match='Only "unstructured"'):
        prune.global_unstructured(pairs, prune.RandomStructured, amount=1)
    with pytest.raises(TypeError, match="not an Iterable"):
        prune.global_unstructured(module, prune.L1Unstructured, amount=1)
    with pytest.raises(TypeError, match="must be of type dict"):
        prune.global_unstructured(pairs, prune.L1Unstructured, [1], amount=1)
    with pytest.raises(ValueError, match="at least one"):
        prune.global_unstructured([], prune.L1Unstructured, amount=1)
    with pytest.raises(ValueError, match=r"weight should have its shape.*\[1\]"):
        wrong = {pairs[0]: torch.ones(1)}
        prune.global_unstructured(pairs, prune.L1Unstructured, wrong, amount=1)
    assert list(module.state_dict()) == ["weight", "bias"]
