"""The cross-entropy of a linear layer's outputs, whole and in chunks."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import LinearCrossEntropyLoss, LinearCrossEntropyOptions
from lamella_nn import functional as F

CHUNKS = LinearCrossEntropyOptions(batch_chunk_size=3)


def case(places=(), probabilities=False):
    random = np.random.default_rng(0)
    x = torch.tensor(random.standard_normal((7, 4)), requires_grad=True)
    w = torch.tensor(random.standard_normal((5, *places, 4)), requires_grad=True)
    b = torch.tensor(random.standard_normal((5, *places)), requires_grad=True)
    if probabilities:
        target = torch.tensor(random.dirichlet(np.ones(5), 7))
    else:
        target = torch.tensor(random.integers(0, 5, (7, *places)))
    return x, w, b, target


@pytest.mark.parametrize("options", [None, CHUNKS])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("places", "probabilities", "settings"),
    [
        ((), False, {"ignore_index": 2}),
        ((), False, {"label_smoothing": 0.2, "weight": torch.arange(1.0, 6.0).double()}),
        ((), True, {"weight": torch.arange(1.0, 6.0).double()}),
        ((2, 3), False, {}),
    ],
)
def test_it_is_the_cross_entropy_of_the_scores(places, probabilities, settings, reduction, options):
    x, w, b, target = case(places, probabilities)
    scores = torch.einsum("nf,c...f->nc...", x, w) + b
    expected = F.cross_entropy(scores, target, reduction=reduction, **settings)
    found = F.linear_cross_entropy(
        x, w, target, linear_bias=b, reduction=reduction, options=options, **settings
    )
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy())
    for mine, theirs in zip(
        autograd.grad(found.square().sum(), (x, w, b)),
        autograd.grad(expected.square().sum(), (x, w, b)),
        strict=True,
    ):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy())


def test_chunks_save_memory(peak):
    x, w = torch.randn(512, 16, requires_grad=True), torch.randn(4096, 16, requires_grad=True)
    target = torch.arange(512)
    peaks = []
    for options in (None, LinearCrossEntropyOptions(batch_chunk_size=32)):
        with peak:
            F.linear_cross_entropy(x, w, target, options=options).backward()
        peaks.append(peak.most)
    assert peaks[1] < peaks[0] / 8


def test_rows_of_chunks():
    # PyTorch 2.13's for these batches, features and classes.
    for ratio, rows in ((1, [64, 512, 1000, 128, 100]), (2, [32, 256, 512, 64, 64])):
        options = LinearCrossEntropyOptions(chunking_method=f"aspect_ratio:{ratio}")
        cases = [
            (1000, 64, 1000),
            (1000, 64, 100),
            (1000, 1000, 64),
            (4096, 512, 32000),
            (100, 8, 8),
        ]
        assert [options.rows_of_chunk(*each) for each in cases] == rows


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_chunk_size": 0},
        {"chunking_method": "halves"},
        {"chunking_method": "aspect_ratio:0"},
        {"acc_policy": "exact"},
        {"acc_dtype": 3},
    ],
)
def test_wrong_options(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LinearCrossEntropyOptions(**wrong)


def test_errors():
    x, w, b, target = case()
    with pytest.raises(RuntimeError, match="ignore_index cannot be specified"):
        F.linear_cross_entropy(x, w, torch.rand(7, 5).double(), ignore_index=1)
    with pytest.raises(RuntimeError, match="got 4 and 3, respectively"):
        F.linear_cross_entropy(x, w[:, :3], target)
    with pytest.raises(RuntimeError, match=r"linear_bias shape \(5,\), got \(4,\)"):
        F.linear_cross_entropy(x, w, target, linear_bias=b[:4])
    with pytest.raises(RuntimeError, match="dimensionality 1 or 2, got 3"):
        F.linear_cross_entropy(x[None], w, target)
    with pytest.raises(RuntimeError, match="dimensionality at least 2, got 1"):
        F.linear_cross_entropy(x, w[0], target)
    with pytest.raises(RuntimeError, match=r"requires batched input, \(N, 4\)"):
        F.linear_cross_entropy(x[0], w[:, None], target)
    with pytest.raises(ValueError, match=r"batch_size \(7\) to match target batch_size \(3\)"):
        F.linear_cross_entropy(x, w, target[:3], options=CHUNKS)
    with pytest.raises(ValueError, match="median is not a valid value"):
        F.linear_cross_entropy(x, w, target, reduction="median")


def test_the_module():
    torch.manual_seed(0)
    module = LinearCrossEntropyLoss(4, 5, out_features=(2,), bias=True, label_smoothing=0.1)
    assert {k: tuple(v.shape) for k, v in module.state_dict().items()} == {
        "linear.weight": (10, 4),
        "linear.bias": (10,),
    }
    x, target = torch.randn(3, 4), torch.tensor([[0, 1], [2, 3], [4, 0]])
    scores = module.linear(x).reshape(3, 5, 2)
    expected = F.cross_entropy(scores, target, label_smoothing=0.1)
    assert module(x, target).item() == pytest.approx(expected.item(), rel=1e-6)
    with pytest.raises(RuntimeError, match=r"weight shape to be \(5,\), got \(4,\)"):
        LinearCrossEntropyLoss(4, 5, weight=torch.ones(4))
    with pytest.raises(RuntimeError, match=r"label_smoothing to be in range \[0, 1\], got 2"):
        LinearCrossEntropyLoss(4, 5, label_smoothing=2)
