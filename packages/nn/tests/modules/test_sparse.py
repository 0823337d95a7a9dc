"""Embeddings of single indices and of bags."""

from __future__ import annotations

import pytest

import lamella_core as torch
import lamella_nn as nn


def test_a_bag_starts_as_an_embedding_does():
    torch.manual_seed(3)
    table = nn.Embedding(5, 4, padding_idx=2)
    torch.manual_seed(3)
    bag = nn.EmbeddingBag(5, 4, padding_idx=2)
    assert torch.equal(bag.weight, table.weight)
    assert not bag.weight[2].any()
    assert list(bag.state_dict()) == ["weight"]


def test_bags_of_a_given_table():
    given = torch.arange(8.0).reshape(4, 2)
    bag = nn.EmbeddingBag.from_pretrained(given, mode="max")
    assert not bag.weight.requires_grad
    assert bag(torch.tensor([0, 3, 1]), torch.tensor([0, 2])).tolist() == [[6.0, 7.0], [2.0, 3.0]]
    assert nn.EmbeddingBag.from_pretrained(given, freeze=False).weight.requires_grad
    with pytest.raises(AssertionError, match="2-dimensional"):
        nn.EmbeddingBag.from_pretrained(given[0])


def test_text_and_errors():
    bag = nn.EmbeddingBag(5, 3, 2.0, 1.0, True, "sum", padding_idx=-1)
    assert repr(bag) == (
        "EmbeddingBag(5, 3, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True, mode='sum', "
        "padding_idx=4)"
    )
    with pytest.raises(AssertionError, match="padding_idx must be within"):
        nn.EmbeddingBag(5, 3, padding_idx=5)
    with pytest.raises(AssertionError, match="Shape of weight"):
        nn.EmbeddingBag(5, 3, _weight=torch.zeros(3, 5))
