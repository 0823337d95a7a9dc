"""lamella's connectionist temporal classification against PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lamella

STEPS, BATCH, CLASSES = 8, 4, 5
TARGETS = np.array([[1, 2, 2], [3, 1, 4], [4, 9, -7], [2, 0, 0]])
JOINED = np.array([1, 2, 2, 3, 1, 4])
COUNTS, INPUTS = (3, 2, 1, 0), (8, 7, 4, 5)
BOTH = (torch, lamella)


def scores() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((STEPS, BATCH, CLASSES))


def losses_of(library: Any, targets: Any, inputs: Any, counts: Any, **options: Any) -> Any:
    """The loss, and the gradient to the scores and to their log-softmax."""
    leaf = library.tensor(scores(), requires_grad=True)
    log_probs = library.nn.functional.log_softmax(leaf, 2)
    log_probs.retain_grad()
    targets = library.tensor(targets)
    loss = library.nn.functional.ctc_loss(log_probs, targets, inputs, counts, **options)
    (loss * loss).sum().backward()
    return [each.detach().numpy() for each in (loss, leaf.grad, log_probs.grad)]


@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("targets", "inputs", "counts", "blank"),
    [
        (TARGETS, INPUTS, COUNTS, 0),
        (JOINED, INPUTS, COUNTS, 0),
        (TARGETS[:, :3], INPUTS, COUNTS, 3),
        (TARGETS, (8, 2, 0, 0), COUNTS, 0),
        (TARGETS, (2, 7, 1, 5), COUNTS, 0),
        (JOINED[:0], INPUTS, (0, 0, 0, 0), 0),
    ],
    ids=["padded", "joined", "blank", "no input", "too short", "no target"],
)
def test_losses_and_gradients(
    targets: Any, inputs: Any, counts: Any, blank: int, reduction: str, zero_infinity: bool
) -> None:
    options = {"blank": blank, "reduction": reduction, "zero_infinity": zero_infinity}
    expected, found = (losses_of(t, targets, inputs, counts, **options) for t in BOTH)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_single_sequence(reduction: str) -> None:
    results = []
    for library in BOTH:
        log_probs = library.tensor(scores()[:, 0]).log_softmax(1)
        lengths = (library.tensor(8), library.tensor([3]))
        criterion = library.nn.CTCLoss(reduction=reduction)
        results.append(criterion(log_probs, library.tensor(TARGETS[0]), *lengths).numpy())
    assert results[0].shape == results[1].shape
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)


def call(library: Any, **changes: Any) -> Any:
    given = {
        "log_probs": library.tensor(scores()).log_softmax(2),
        "targets": library.tensor(TARGETS).clamp(0, 4),
        "input_lengths": INPUTS,
        "target_lengths": COUNTS,
    }
    return library.nn.functional.ctc_loss(**(given | changes))


WRONG = {
    "blank": lambda t: call(t, blank=5),
    "reduction": lambda t: call(t, reduction="max"),
    "input too long": lambda t: call(t, input_lengths=(9, 7, 4, 5)),
    "negative input": lambda t: call(t, input_lengths=(8, -1, 4, 5)),
    "target too long": lambda t: call(t, target_lengths=(4, 2, 1, 0)),
    "negative target": lambda t: call(t, target_lengths=(3, 2, -1, 0)),
    "inputs": lambda t: call(t, input_lengths=(8, 7, 4)),
    "counts": lambda t: call(t, target_lengths=(3, 2, 1)),
    "batch of targets": lambda t: call(t, targets=t.zeros(3, 3, dtype=t.int64)),
    "joined targets": lambda t: call(t, targets=t.zeros(5, dtype=t.int64)),
    "targets of 3 dimensions": lambda t: call(t, targets=t.zeros(1, 4, 3, dtype=t.int64)),
    "floating lengths": lambda t: call(t, input_lengths=t.ones(4), target_lengths=t.tensor(COUNTS)),
    "integers": lambda t: call(t, log_probs=t.zeros(8, 4, 5, dtype=t.int64)),
    "half": lambda t: call(t, log_probs=t.zeros(8, 4, 5, dtype=t.float16)),
    "empty": lambda t: call(t, log_probs=t.zeros(0, 4, 5)),
}


@pytest.mark.parametrize("what", WRONG)
def test_errors(what: str) -> None:
    errors = []
    for library in BOTH:
        with pytest.raises(Exception) as caught:
            WRONG[what](library)
        errors.append(caught.value)
    assert type(errors[1]) is type(errors[0])
