"""CTC against the sum over all alignments, one by one."""

from itertools import groupby, product

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd import gradcheck
from lamella_nn.functional import ctc_loss

STEPS, CLASSES = 5, 3


def by_alignments(probs, target, blank):
    """Minus the log of the probability of ``target``: A. Graves et al., 2006, equation 3."""
    total = 0.0
    for path in product(range(probs.shape[1]), repeat=len(probs)):
        labels = [label for label, _ in groupby(path) if label != blank]
        if labels == list(target):
            total += np.prod(probs[np.arange(len(probs)), list(path)])
    with np.errstate(divide="ignore"):
        return -np.log(total)


def scores(batch=4):
    return np.random.default_rng(0).standard_normal((STEPS, batch, CLASSES))


@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_that_of_all_alignments(blank):
    lengths = (5, 4, 5, 2)
    labels = [c for c in range(CLASSES) if c != blank]
    targets = [[labels[0], labels[1]], [labels[1], labels[1]], [], [labels[0]]]
    log_probs = core.log_softmax(core.tensor(scores()), 2)
    joined = core.tensor([label for target in targets for label in target])
    counts = tuple(len(target) for target in targets)
    found = ctc_loss(log_probs, joined, lengths, counts, blank, "none")
    padded = core.full((4, 2), -100)
    for row, target in zip(padded, targets, strict=True):
        row[: len(target)] = core.tensor(target, dtype=core.int64)
    assert ctc_loss(log_probs, padded, lengths, counts, blank, "none").equal(found)
    for j, target in enumerate(targets):
        probs = log_probs[: lengths[j], j].exp().numpy()
        assert found[j].item() == pytest.approx(by_alignments(probs, target, blank), rel=1e-12)
    mean = ctc_loss(log_probs, joined, lengths, counts, blank)
    assert mean.item() == pytest.approx(np.mean(found.numpy() / np.maximum(counts, 1)))
    total = ctc_loss(log_probs, joined, lengths, counts, blank, "sum")
    assert total.item() == pytest.approx(found.sum().item())


def test_the_gradient_through_a_log_softmax():
    leaf = core.tensor(scores(), requires_grad=True)
    targets, counts, lengths = core.tensor([1, 2, 2, 2, 1]), (2, 2, 0, 1), (5, 5, 4, 3)

    def loss(leaf):
        return ctc_loss(core.log_softmax(leaf, 2), targets, lengths, counts, 0, "none")

    assert gradcheck(loss, [leaf])


def test_a_target_too_long_for_its_input():
    log_probs = core.log_softmax(core.tensor(scores(2)), 2).requires_grad_()
    arguments = (log_probs, core.tensor([[1, 1], [2, 1]]), (2, 5), (2, 2), 0, "none")
    assert ctc_loss(*arguments)[0].item() == float("inf")
    ctc_loss(*arguments).sum().backward()
    assert log_probs.grad[:2, 0].isnan().all()
    log_probs.grad = None
    kept = ctc_loss(*arguments, zero_infinity=True)
    assert kept[0].item() == 0
    kept.sum().backward()
    assert log_probs.grad[:, 0].abs().max().item() == 0
    assert log_probs.grad[:, 1].abs().max().item() > 0


def test_single_precision_is_kept_over_long_inputs():
    wide = core.tensor(np.random.default_rng(1).standard_normal((300, 1, 20)) * 3)
    targets = core.tensor(np.random.default_rng(2).integers(1, 20, (1, 90)))
    grads = []
    for dtype in (core.float64, core.float32):
        log_probs = core.log_softmax(wide, 2).to(dtype).requires_grad_()
        ctc_loss(log_probs, targets, (300,), (90,)).backward()
        grads.append(log_probs.grad.double().numpy())
    np.testing.assert_allclose(grads[1], grads[0], atol=1e-6)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_target_that_is_no_class_is_named(wrong):
    log_probs = core.log_softmax(core.tensor(scores(1)), 2)
    with pytest.raises(IndexError, match=f"Target {wrong} is out of bounds.* 3 classes"):
        ctc_loss(log_probs, core.tensor([[1, wrong]]), (5,), (2,))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"blank": 3}, "blank must be in label range, 0 to 2, but got 3"),
        ({"input_lengths": (6,)}, "at most 5, but got value 6"),
        ({"target_lengths": (-1,)}, "at least 0, but got value -1"),
        ({"target_lengths": (2, 1)}, "batch_size, 1, but got 2"),
        ({"target_lengths": (3,)}, "at least 3 at dimension 1, but got size 2"),
        ({"targets": core.tensor([1])}, "size 2 at dimension 0.*got size 1"),
        ({"log_probs": core.zeros(5)}, "3-dimensional tensor, but got 1"),
    ],
)
def test_wrong_arguments(changes, words):
    given = {
        "log_probs": core.zeros(5, 1, 3),
        "targets": core.tensor([[1, 2]]),
        "input_lengths": (5,),
        "target_lengths": (2,),
    }
    with pytest.raises(RuntimeError, match=words):
        ctc_loss(**(given | changes))
