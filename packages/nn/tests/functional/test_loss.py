"""Losses: values from their formulas and from PyTorch 2.13, gradients, errors."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F

SCORES = [[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]
LOG_SUM = math.log(math.e + math.e**2 + math.e**3)


def test_cross_entropy_and_its_gradient():
    x = torch.tensor(SCORES, dtype=torch.float64).requires_grad_()
    target = torch.tensor([2, 0])
    loss = F.cross_entropy(x, target)
    assert loss.item() == pytest.approx((LOG_SUM - 3 + math.log(3)) / 2)
    (grad,) = autograd.grad(loss, x)
    p = [math.exp(s - LOG_SUM) for s in SCORES[0]]
    assert grad[0].tolist() == pytest.approx([p[0] / 2, p[1] / 2, (p[2] - 1) / 2])
    assert grad[1].tolist() == pytest.approx([-1 / 3, 1 / 6, 1 / 6])


def test_reductions_weights_and_ignored_targets():
    x, target = torch.tensor(SCORES), torch.tensor([2, 0])
    each = F.cross_entropy(x, target, reduction="none").tolist()
    assert each == pytest.approx([LOG_SUM - 3, math.log(3)])
    assert F.cross_entropy(x, target, reduction="sum").item() == pytest.approx(sum(each))
    weight = torch.tensor([1.0, 1.0, 3.0])
    weighted = F.cross_entropy(x, target, weight).item()
    assert weighted == pytest.approx((3 * each[0] + each[1]) / 4)
    assert F.cross_entropy(x, target, ignore_index=2).item() == pytest.approx(each[1])


def test_indices_agree_with_one_hot_probabilities():
    x, target = torch.tensor(SCORES), torch.tensor([2, 0])
    q = F.one_hot(target, 3).to(torch.float32)
    for smoothing in (0.0, 0.2):
        by_index = F.cross_entropy(x, target, label_smoothing=smoothing).item()
        by_share = F.cross_entropy(x, q, label_smoothing=smoothing).item()
        assert by_index == pytest.approx(by_share)


def test_cross_entropy_second_derivative():
    x = torch.tensor([[0.5, -0.5]], dtype=torch.float64).requires_grad_()
    (grad,) = autograd.grad(F.cross_entropy(x, torch.tensor([0])), x, create_graph=True)
    (second,) = autograd.grad(grad[0, 0], x)
    p = 1 / (1 + math.exp(-1))
    assert second[0].tolist() == pytest.approx([p * (1 - p), -p * (1 - p)])


def test_nll_loss_takes_log_probabilities():
    x = torch.tensor(SCORES)
    target = torch.tensor([2, 0])
    logs = F.log_softmax(x, 1)
    assert F.nll_loss(logs, target).item() == pytest.approx(F.cross_entropy(x, target).item())


def test_regression_losses():
    a, b = torch.tensor([0.0, 3.0]), torch.tensor([0.5, 0.0])
    assert F.mse_loss(a, b).item() == pytest.approx((0.25 + 9) / 2)
    assert F.l1_loss(a, b, reduction="sum").item() == 3.5
    assert F.smooth_l1_loss(a, b, reduction="none").tolist() == [0.125, 2.5]
    assert F.huber_loss(a, b, reduction="none", delta=2.0).tolist() == [0.125, 4.0]
    assert F.huber_loss(a.bfloat16(), b).dtype is torch.bfloat16


def test_binary_cross_entropy():
    p, t = torch.tensor([0.25, 1.0]), torch.tensor([1.0, 0.0])
    each = F.binary_cross_entropy(p, t, reduction="none").tolist()
    assert each == pytest.approx([math.log(4), 100.0])
    x = torch.tensor([-1000.0, 1000.0, 0.0])
    each = F.binary_cross_entropy_with_logits(x, torch.tensor([0.0, 0.0, 1.0]), reduction="none")
    assert each.tolist() == pytest.approx([0.0, 1000.0, math.log(2)])


def test_divergences():
    q = torch.tensor([[0.25, 0.75]])
    logs = torch.tensor([[0.5, 0.5]]).log()
    expected = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert F.kl_div(logs, q, reduction="batchmean").item() == pytest.approx(expected)
    loss = F.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]), full=True)
    stirling = 2 * math.log(2) - 2 + 0.5 * math.log(4 * math.pi)
    assert loss.item() == pytest.approx(1 + stirling)


def test_margins():
    x = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    # The example of torch.nn.MultiMarginLoss's documentation: (0.3 + 0.4 + 0.6) / 4.
    assert F.multi_margin_loss(x, torch.tensor([3])).item() == pytest.approx(0.325)
    # That of torch.nn.MultiLabelMarginLoss's: 0.85.
    labels = torch.tensor([[3, 0, -1, 1]])
    assert F.multilabel_margin_loss(x, labels).item() == pytest.approx(0.85)
    a, b = torch.tensor([1.0]), torch.tensor([2.0])
    assert F.margin_ranking_loss(a, b, torch.tensor([1.0]), 0.5).item() == 1.5
    assert F.hinge_embedding_loss(b, torch.tensor([-1.0]), 3.0).item() == 1.0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: F.cross_entropy(x, torch.tensor([0, 3])), IndexError, "Target 3 is out of bou"),
        (lambda x: F.cross_entropy(x, torch.tensor([0])), ValueError, "batch_size .2. to match"),
        (lambda x: F.cross_entropy(x, torch.tensor([0.0, 1.0])), RuntimeError, "Long or Byte"),
        (lambda x: F.cross_entropy(x, torch.tensor([0, 1]), reduction="x"), ValueError, "x is not"),
        (
            lambda x: F.cross_entropy(x, torch.tensor([0, 1]), torch.ones(4)),
            RuntimeError,
            r"all 3 classes.*\[4\]",
        ),
        (
            lambda x: F.cross_entropy(x, torch.tensor([0, 1]), label_smoothing=2.0),
            RuntimeError,
            "between 0.0 and 1.0",
        ),
        (
            lambda x: F.binary_cross_entropy(x, torch.zeros(2, 3)),
            RuntimeError,
            "between 0 and 1",
        ),
        (lambda x: F.huber_loss(x, x, delta=float("nan")), RuntimeError, "non-positive values"),
        (lambda x: F.smooth_l1_loss(x, x, beta=float("nan")), RuntimeError, "negative values"),
    ],
)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call(torch.tensor(SCORES))


def test_nll_loss_of_nothing_but_ignored_targets_has_gradient_zero() -> None:
    # As PyTorch 2.13 gives it, though the loss itself is nan.
    scores = torch.zeros(2, 3, requires_grad=True)
    F.nll_loss(scores, torch.tensor([1, 1]), ignore_index=1).backward()
    assert scores.grad.tolist() == [[0.0, 0.0, 0.0]] * 2


def test_margin_losses_on_the_margin_and_of_nan():
    """PyTorch's: no slope where a score lies on the margin, and NaN violates nothing."""
    for other in (1.0, math.nan):
        x = torch.tensor([[2.0, other, 3.0]]).requires_grad_()
        (slope,) = autograd.grad(F.multi_margin_loss(x, torch.tensor([0])), x)
        assert slope[0].tolist() == pytest.approx([-1 / 3, 0.0, 1 / 3])
    x = torch.tensor([[2.0, 1.0, 3.0]]).requires_grad_()
    (slope,) = autograd.grad(F.multilabel_margin_loss(x, torch.tensor([[0, -1, -1]])), x)
    assert slope[0].tolist() == pytest.approx([-1 / 3, 0.0, 1 / 3])


def test_mean_over_weights_of_zero():
    """PyTorch's: NaN at the targets, but 0 for those that are ignored."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).requires_grad_()
    loss = F.nll_loss(x, torch.tensor([0, 1, -100]), weight=torch.zeros(2))
    (slope,) = autograd.grad(loss, x)
    assert slope.isnan().tolist() == [[True, False], [False, True], [False, False]]
    assert slope[2].tolist() == [0.0, 0.0]


def test_the_gradient_of_many_targets(peak):
    # Of 4 MB, in parts: log(1 - x) - log(x), and next to no memory beside it.
    x = np.random.default_rng(0).uniform(0.1, 0.9, (500, 2000)).astype(np.float32)
    input, target = torch.from_numpy(x), torch.full(x.shape, 0.5).requires_grad_()
    loss = F.binary_cross_entropy(input, target, reduction="sum")
    with peak:
        (grad,) = autograd.grad(loss, target)
    assert peak.most < 5.2e6
    np.testing.assert_allclose(grad.numpy(), np.log1p(-x) - np.log(x), rtol=1e-4, atol=1e-6)


def test_binary_cross_entropy_at_its_ends():
    """PyTorch's: ``x (1 - x)`` is held above 1e-12, the slope by the target is not held."""
    x = torch.tensor([0.0, 1.0, 0.5], dtype=torch.float64).requires_grad_()
    target = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).requires_grad_()
    loss = F.binary_cross_entropy(x, target, reduction="sum")
    slope, by_target = autograd.grad(loss, (x, target))
    assert slope.tolist() == pytest.approx([0.0, 1000000003995.8029, -2.0], rel=1e-12)
    assert by_target.tolist() == [math.inf, -math.inf, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p: F.binary_cross_entropy(p, p - 1), RuntimeError, "elements of target should be"),
        (lambda p: F.binary_cross_entropy(p, p.double()), RuntimeError, "Found dtype Double"),
        (lambda p: F.kl_div(p, p.long()), RuntimeError, "Integral inputs not supported"),
        (lambda p: F.nll_loss(p.sum(), torch.tensor(0)), ValueError, "Expected 1 or more"),
        (
            lambda p: F.multilabel_margin_loss(p, torch.full((2, 3), -2)),
            RuntimeError,
            "'target' is out of range",
        ),
        (
            lambda p: F.multilabel_margin_loss(p, torch.full((2, 3), 3)),
            RuntimeError,
            "'target' is out of range",
        ),
    ],
)
def test_errors_are_pytorchs(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.full((2, 3), 0.5))


@pytest.mark.parametrize(
    "loss",
    [
        F.mse_loss,
        partial(F.huber_loss, delta=0.4),
        partial(F.smooth_l1_loss, beta=0.4),
        F.soft_margin_loss,
        F.binary_cross_entropy_with_logits,
        partial(F.binary_cross_entropy_with_logits, pos_weight=torch.tensor([0.5, 2, 3])),
    ],
)
def test_both_derivatives_of_elementwise_losses(loss) -> None:
    torch.manual_seed(0)
    input = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    target = torch.rand(4, 3, dtype=torch.float64, requires_grad=True)
    assert autograd.gradcheck(loss, (input, target))
    assert autograd.gradgradcheck(loss, (input, target))


def test_elementwise_losses_of_many_numbers_and_of_integers() -> None:
    x, t = torch.linspace(-3, 3, 300_000), torch.linspace(1, -1, 300_000)
    difference = x.numpy().astype(float) - t.numpy()
    size = np.abs(difference)
    expected = np.where(size < 0.5, size**2, size - 0.25)
    np.testing.assert_allclose(
        F.smooth_l1_loss(x, t, reduction="none", beta=0.5), expected, atol=1e-6
    )
    np.testing.assert_allclose(float(F.mse_loss(x, t)), (difference**2).mean(), rtol=1e-5)
    with pytest.raises(NotImplementedError, match="'Long'"):
        F.mse_loss(x.long(), t.long())


def _like(values, dtype):
    return torch.tensor(values, dtype=getattr(torch, dtype))


def test_losses_of_two_types_have_pytorchs_type():
    """Types and numbers are those that PyTorch 2.13 gives."""
    x, t = _like([0.25, 0.5], "float32"), _like([1.0, 0.0], "float16")
    assert F.binary_cross_entropy_with_logits(x, t).dtype is torch.float16
    assert F.huber_loss(x, t.double()).dtype is torch.float32
    assert F.soft_margin_loss(t, x).dtype is torch.float16
    assert F.mse_loss(x, torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float64
    assert F.binary_cross_entropy(x, x, weight=x.double()).dtype is torch.float32
    waves = F.soft_margin_loss(x + 0j, x + 0.5, reduction="none")
    np.testing.assert_allclose(waves.numpy(), [0.603785, 0.474077], rtol=1e-5)
    counts, signs = _like([3, 0], "uint8"), _like([-1, -1], "int64")
    assert F.hinge_embedding_loss(counts, signs, 1.5, reduction="none").tolist() == [254, 1]


def test_a_margin_is_added_to_the_first_distance_of_a_triplet():
    """PyTorch 2.13 gives 0.120959 here, where 1 + 0.9336 rounds to 1.9375 in bfloat16."""
    anchor = _like([[0.25, 0.5, 0.75], [0.3, 1.0, 0.0]], "bfloat16")
    positive = _like([[1, 0, 1], [0, 1, 0]], "int64")
    loss = F.triplet_margin_loss(anchor, positive, _like([1.0, 2.0, 1.0], "float32").expand(2, 3))
    assert float(loss) == pytest.approx(0.120959, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "types", "error"),
    [
        ("huber_loss", "int64 float32", RuntimeError),
        ("huber_loss", "float32 complex64", RuntimeError),
        ("soft_margin_loss", "int64 int64", RuntimeError),
        ("binary_cross_entropy_with_logits", "float32 int64", RuntimeError),
        ("binary_cross_entropy_with_logits", "int64 float32", NotImplementedError),
        ("hinge_embedding_loss", "int64 int64", RuntimeError),
        ("multi_margin_loss", "float16 int64", NotImplementedError),
        ("multi_margin_loss", "float32 int32", RuntimeError),
        ("multilabel_margin_loss", "float32 int32", RuntimeError),
    ],
)
def test_types_that_a_loss_does_not_take(loss, types, error):
    """The exceptions are of the types that PyTorch 2.13 raises."""
    input, target = (_like([1, 0], dtype) for dtype in types.split())
    if loss == "multi_margin_loss":
        target = target[0]
    with pytest.raises(error, match="cast|implemented|scalar type|dtype"):
        getattr(F, loss)(input, target)


def test_the_type_of_class_weights():
    scores, classes = torch.ones(2, 3), torch.tensor([1, 0])
    for loss in (F.nll_loss, F.cross_entropy, F.multi_margin_loss):
        with pytest.raises(RuntimeError, match="expected scalar type Float but found Double"):
            loss(scores, classes, weight=torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="batch_size"):
        F.cross_entropy(scores, torch.tensor([1.0]))
    with pytest.raises(NotImplementedError, match="log_softmax"):
        F.cross_entropy(scores.long(), classes.float())


def test_the_graph_under_a_loss_is_pytorchs() -> None:
    """One node for the differences and their mean; it leads to the input's, and to no target's."""
    x = torch.ones(3).requires_grad_()
    for reduction in ("mean", "sum", "none"):
        node = F.mse_loss(x * 2, torch.zeros(3), reduction=reduction).sum().grad_fn
        node = node.next_functions[0][0]
        assert node.name() == "MseLossBackward0"
        assert [each and each.name() for each, _ in node.next_functions] == ["MulBackward0", None]


def test_the_old_name_of_the_mean() -> None:
    x, target = torch.tensor([1.0, 4.0]), torch.tensor([0.0, 1.0])
    with pytest.warns(UserWarning, match="'elementwise_mean' is deprecated"):
        assert F.mse_loss(x, target, reduction="elementwise_mean").item() == 5.0


def test_weights_of_many_losses():
    # These are multiplied in their own place; a weight that is learnt leaves them as they are.
    rng = np.random.default_rng(0)
    x, t = rng.uniform(0.1, 0.9, (300, 300)), rng.uniform(size=(300, 300))
    w = rng.uniform(size=300)
    each = -(t * np.log(x) + (1 - t) * np.log(1 - x))
    slope = (x - t) / (x * (1 - x))
    input, target = torch.tensor(x).requires_grad_(), torch.tensor(t)
    for weight in (torch.tensor(w), torch.tensor(w).requires_grad_()):
        losses = F.binary_cross_entropy(input, target, weight=weight, reduction="none")
        np.testing.assert_allclose(losses.detach().numpy(), each * w)
        (found,) = autograd.grad(losses.sum(), input, retain_graph=True)
        np.testing.assert_allclose(found.numpy(), slope * w)
    (found,) = autograd.grad(losses.sum(), weight)
    np.testing.assert_allclose(found.numpy(), each.sum(0))


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("width", [400, 1])
def test_gradients_of_many_weighted_cross_entropies(logits: bool, width: int) -> None:
    """The first and the second, by the formulas, in float64."""
    rng = np.random.default_rng(0)
    x, t, seed = (rng.uniform(0.05, 0.95, (300, 400)) for _ in range(3))
    w = rng.uniform(0.5, 2, (300, width))
    input = torch.tensor(x, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits if logits else F.binary_cross_entropy
    total = loss(input, torch.tensor(t), weight=torch.tensor(w), reduction="sum")
    (plain,) = autograd.grad(total, input, retain_graph=True)
    (slope,) = autograd.grad(total, input, create_graph=True)
    (bend,) = autograd.grad(slope, input, torch.tensor(seed))
    s = 1 / (1 + np.exp(-x))
    first = s - t if logits else (x - t) / (x * (1 - x))
    second = s * (1 - s) if logits else (x * x - 2 * t * x + t) / (x * (1 - x)) ** 2
    np.testing.assert_allclose(plain.numpy(), w * first, rtol=1e-9)
    np.testing.assert_allclose(slope.detach().numpy(), w * first, rtol=1e-9)
    np.testing.assert_allclose(bend.numpy(), seed * w * second, rtol=1e-7)
