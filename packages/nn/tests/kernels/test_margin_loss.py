"""The losses on margins, which are cut into parts, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_autograd import func
from lamella_nn import functional as F
from lamella_nn.kernels import margin_loss as kernels


@pytest.fixture(params=[7, 1 << 20], ids=["in parts", "whole"])
def block(request, monkeypatch):
    monkeypatch.setattr(kernels, "_BLOCK", request.param)


def scores():
    return np.random.default_rng(0).standard_normal((6, 10))


TARGET = [3, 0, 9, 5, 5, 1]
LABELS = np.full((6, 10), -1)
LABELS[0, :3] = [4, 0, 9]
LABELS[1, :1] = [2]
# What stands behind the first -1 is no label, and a label may stand twice.
LABELS[2, 1] = 5
LABELS[3] = range(10)
LABELS[4, :3] = [7, 7, 1]


def multi_margin(x, p, margin, weight):
    rows = []
    for scores, t in zip(x, TARGET, strict=True):
        violations = [max(0, margin - scores[t] + s) ** p for s in np.delete(scores, t)]
        rows.append(weight[t] * sum(violations) / len(scores))
    return rows


def multilabel_margin(x):
    rows = []
    for scores, labels in zip(x, LABELS.tolist(), strict=True):
        found = labels[: labels.index(-1)] if -1 in labels else labels
        others = [i for i in range(len(scores)) if i not in found]
        pairs = [max(0, 1 - (scores[t] - scores[i])) for t in found for i in others]
        rows.append(sum(pairs) / len(scores))
    return rows


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("p", [1, 2])
def test_multi_margin(p):
    weight = np.linspace(0.5, 2, 10)
    x, target = torch.tensor(scores()), torch.tensor(TARGET)

    def loss(x):
        return F.multi_margin_loss(x, target, p, 0.7, torch.tensor(weight), reduction="none")

    np.testing.assert_allclose(loss(x).numpy(), multi_margin(scores(), p, 0.7, weight))
    assert autograd.gradcheck(loss, x.requires_grad_(), check_forward_ad=True)
    assert autograd.gradgradcheck(loss, x)


@pytest.mark.usefixtures("block")
def test_multilabel_margin():
    x, target = torch.tensor(scores()), torch.tensor(LABELS)

    def loss(x):
        return F.multilabel_margin_loss(x, target, reduction="none")

    np.testing.assert_allclose(loss(x).numpy(), multilabel_margin(scores()))
    assert autograd.gradcheck(loss, x.requires_grad_(), check_forward_ad=True)
    assert autograd.gradgradcheck(loss, x)


def test_examples_of_a_batch_are_rows():
    x, target = torch.tensor(scores()), torch.tensor(TARGET)
    each = func.vmap(F.multi_margin_loss)(x, target)
    np.testing.assert_allclose(each.numpy(), multi_margin(scores(), 1, 1.0, np.ones(10)))
    slopes = func.vmap(func.grad(F.multi_margin_loss))(x, target)
    leaf = x.requires_grad_()
    (whole,) = autograd.grad(F.multi_margin_loss(leaf, target, reduction="sum"), leaf)
    np.testing.assert_allclose(slopes.numpy(), whole.numpy())
    each = func.vmap(F.multilabel_margin_loss)(x.detach(), torch.tensor(LABELS))
    np.testing.assert_allclose(each.numpy(), multilabel_margin(scores()))


def test_infinite_score_of_a_label():
    x = torch.tensor([[-np.inf, 1.0, 0.0]], requires_grad=True)
    loss = F.multilabel_margin_loss(x, torch.tensor([[1, 0, -1]]))
    loss.backward()
    # PyTorch's: the label is not held against itself.
    assert loss.item() == np.inf
    np.testing.assert_allclose(x.grad.numpy(), [[-1 / 3, 0, 1 / 3]])
