"""Wrong arguments: PyTorch's type of exception, and a text that says what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

import lamella

if TYPE_CHECKING:
    from collections.abc import Callable

# Each: what the text has to name, and the call.
CASES: list[tuple[str, Callable[[Any], Any]]] = [
    (r"3 channels", lambda t: t.nn.Conv2d(3, 4, 3)(t.zeros(1, 2, 8, 8))),
    (r"\[4, 3, 3, 3\]", lambda t: t.nn.Conv2d(3, 4, 3)(t.zeros(2, 8, 8))),
    (r"\[8, 8\]", lambda t: t.nn.Conv2d(3, 4, 3)(t.zeros(8, 8))),
    (r"2 x 2", lambda t: t.nn.Conv2d(3, 4, 3)(t.zeros(1, 3, 2, 2))),
    (r"[Kk]ernel", lambda t: t.nn.Conv1d(1, 1, 5)(t.zeros(1, 1, 4))),
    (
        r"stride",
        lambda t: t.nn.functional.conv2d(t.zeros(1, 1, 4, 4), t.zeros(1, 1, 2, 2), stride=0),
    ),
    (
        r"padding",
        lambda t: t.nn.functional.conv2d(t.zeros(1, 1, 4, 4), t.zeros(1, 1, 2, 2), None, 1, -1),
    ),
    (
        r"dilation",
        lambda t: t.nn.functional.conv2d(t.zeros(1, 1, 4, 4), t.zeros(1, 1, 2, 2), dilation=0),
    ),
    (
        r"groups",
        lambda t: t.nn.functional.conv2d(t.zeros(1, 1, 4, 4), t.zeros(1, 1, 2, 2), groups=0),
    ),
    (r"groups", lambda t: t.nn.Conv2d(3, 4, 3, groups=2)),
    (r"groups", lambda t: t.nn.Conv2d(4, 3, 3, groups=2)),
    (r"groups", lambda t: t.nn.Conv2d(4, 4, 3, groups=0)),
    (r"circle", lambda t: t.nn.Conv2d(4, 4, 3, padding_mode="circle")),
    (r"strided", lambda t: t.nn.Conv2d(4, 4, 3, 2, padding="same")),
    (r"sane", lambda t: t.nn.Conv2d(4, 4, 3, padding="sane")),
    (r"\[3\]", lambda t: t.nn.functional.conv1d(t.zeros(1, 1, 4), t.zeros(2, 1, 2), t.zeros(3))),
    (r"[Dd]ouble|dtype", lambda t: t.nn.Conv1d(1, 1, 2)(t.zeros(1, 1, 4).double())),
    (
        r"output_padding|output padding",
        lambda t: t.nn.ConvTranspose2d(2, 2, 3, output_padding=1)(t.zeros(1, 2, 4, 4)),
    ),
    (r"3", lambda t: t.nn.ConvTranspose2d(2, 2, 3)(t.zeros(1, 3, 4, 4))),
    (r"-2|negative", lambda t: t.nn.Linear(-2, 3)),
    (r"2x3 and 4x5", lambda t: t.nn.Linear(4, 5)(t.zeros(2, 3))),
    (r"4", lambda t: t.nn.Bilinear(2, 3, 4)(t.zeros(1, 4), t.zeros(1, 3))),
    (r"stride", lambda t: t.nn.functional.max_pool2d(t.zeros(1, 4, 4), 2, 0)),
    (r"half", lambda t: t.nn.MaxPool2d(2, padding=2)(t.zeros(1, 4, 4))),
    (r"too small", lambda t: t.nn.MaxPool2d(5)(t.zeros(1, 4, 4))),
    (r"too small", lambda t: t.nn.AvgPool2d(5)(t.zeros(1, 4, 4))),
    (r"\[4\]", lambda t: t.nn.MaxPool2d(2)(t.zeros(4))),
    (r"divisor", lambda t: t.nn.AvgPool2d(2, divisor_override=0)(t.zeros(1, 4, 4))),
    (r"4, 4", lambda t: t.nn.functional.adaptive_avg_pool2d(t.zeros(1, 4, 4), (1, 2, 3))),
    (r"\[4, 4\]|4, 4", lambda t: t.nn.functional.adaptive_avg_pool2d(t.zeros(4, 4), 2)),
    (r"negative|-1|greater", lambda t: t.nn.functional.adaptive_avg_pool2d(t.zeros(1, 4, 4), -1)),
    (r"\[1, 2, 2\]", lambda t: t.nn.MaxUnpool2d(2)(t.zeros(1, 2, 2), t.zeros(1, 3, 3).long())),
    (
        r"invalid.*index|index",
        lambda t: t.nn.MaxUnpool2d(2)(t.zeros(1, 1, 1), t.full((1, 1, 1), 9)),
    ),
    (r"5", lambda t: t.nn.functional.pad(t.zeros(1, 1, 4), (5, 0), "reflect")),
    (r"edge", lambda t: t.nn.functional.pad(t.zeros(1, 1, 4), (1, 0), "edge")),
    (r"pad", lambda t: t.nn.functional.pad(t.zeros(4), (1, 0, 1))),
    (r"-5|negative|[Rr]esult", lambda t: t.nn.functional.pad(t.zeros(4), (-5, 0))),
    (r"\[2, 3, 4\]|3D", lambda t: t.nn.BatchNorm2d(3)(t.zeros(2, 3, 4))),
    (r"3", lambda t: t.nn.BatchNorm1d(3)(t.zeros(2, 4))),
    (r"more than 1 value", lambda t: t.nn.BatchNorm1d(3)(t.zeros(1, 3))),
    (r"\[3\]", lambda t: t.nn.LayerNorm(3)(t.zeros(2, 4))),
    (r"4.*3|divisible", lambda t: t.nn.GroupNorm(3, 4)),
    (r"4", lambda t: t.nn.GroupNorm(2, 4)(t.zeros(1, 6, 2))),
    (r"more than 1", lambda t: t.nn.InstanceNorm1d(3)(t.zeros(2, 3, 1))),
    (r"3D|3", lambda t: t.nn.LocalResponseNorm(2)(t.zeros(2, 3))),
    (r"5.*4|4.*5|index", lambda t: t.nn.Embedding(4, 2)(t.tensor([5]))),
    (r"[Ff]loat", lambda t: t.nn.Embedding(4, 2)(t.zeros(2))),
    (
        r"Target 5|5 .*out of",
        lambda t: t.nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([0, 5])),
    ),
    (
        r"Target -1|-1 .*out of",
        lambda t: t.nn.functional.nll_loss(t.zeros(2, 3), t.tensor([0, -1])),
    ),
    (r"2.*3", lambda t: t.nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([0, 1, 2]))),
    (
        r"\[2\]|weight",
        lambda t: t.nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([0, 1]), t.ones(2)),
    ),
    (r"middle", lambda t: t.nn.functional.mse_loss(t.zeros(2), t.zeros(2), reduction="middle")),
    (
        r"between 0 and 1",
        lambda t: t.nn.functional.binary_cross_entropy(t.full((2,), 2.0), t.ones(2)),
    ),
    (r"2.*3|3.*2", lambda t: t.nn.functional.binary_cross_entropy(t.full((2,), 0.5), t.ones(3))),
    (
        r"2.*3|3.*2",
        lambda t: t.nn.functional.binary_cross_entropy_with_logits(t.zeros(2), t.ones(3)),
    ),
    (r"3", lambda t: t.nn.functional.multi_margin_loss(t.zeros(2, 3), t.tensor([0, 3]))),
    (r"p", lambda t: t.nn.MultiMarginLoss(p=3)),
    (r"1.5", lambda t: t.nn.Dropout(1.5)),
    (r"-0.5", lambda t: t.nn.functional.dropout(t.zeros(2), -0.5)),
    (r"1D|1", lambda t: t.nn.Dropout1d()(t.zeros(3))),
    (r"cubed", lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4), 2, mode="cubed")),
    (r"size or scale_factor", lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4))),
    (
        r"align_corners",
        lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4), 2, align_corners=True),
    ),
    (r"greater than 0", lambda t: t.nn.functional.interpolate(t.zeros(1, 1, 4), 0)),
    (r"divisible", lambda t: t.nn.PixelShuffle(2)(t.zeros(1, 3, 4, 4))),
    (r"divisible", lambda t: t.nn.PixelUnshuffle(2)(t.zeros(1, 3, 5, 4))),
    (r"divisible|groups", lambda t: t.nn.ChannelShuffle(2)(t.zeros(1, 3, 5, 4))),
    (r"3|4", lambda t: t.nn.Unflatten(1, (2, 2))(t.zeros(1, 3))),
    (r"unflattened_size|tuple|int", lambda t: t.nn.Unflatten(1, (2.5, 2))),
    (r"2|1", lambda t: t.nn.Flatten(2, 1)(t.zeros(1, 2, 3))),
    (r"\[3\]|3", lambda t: t.nn.Fold((4, 4), 2)(t.zeros(1, 3, 9))),
    (r"9|blocks", lambda t: t.nn.Fold((4, 4), 2)(t.zeros(1, 4, 8))),
    (r"1, 1, 1, 2, 2", lambda t: t.nn.Unfold(2)(t.zeros(1, 1, 1, 2, 2))),
    (r"3|weight", lambda t: t.nn.PReLU(3)(t.zeros(2, 4))),
    (r"halving|even|3", lambda t: t.nn.GLU()(t.zeros(2, 3))),
    (r"tan", lambda t: t.nn.GELU("tan")(t.zeros(2))),
    (r"threshold|lower|upper|max_val|min_val", lambda t: t.nn.Hardtanh(2, 1)),
    (r"beta", lambda t: t.nn.functional.smooth_l1_loss(t.zeros(2), t.zeros(2), beta=-1.0)),
    (r"delta", lambda t: t.nn.functional.huber_loss(t.zeros(2), t.zeros(2), delta=0.0)),
    (r"2|3", lambda t: t.nn.CosineEmbeddingLoss()(t.zeros(2, 3), t.zeros(2, 3), t.ones(2, 3))),
    (r"num_classes|classes", lambda t: t.nn.functional.one_hot(t.tensor([3]), 3)),
    (r"var", lambda t: t.nn.GaussianNLLLoss()(t.zeros(2), t.zeros(2), -t.ones(2))),
]


@pytest.mark.parametrize(("text", "call"), CASES, ids=range(len(CASES)))
@pytest.mark.filterwarnings("ignore")
def test_wrong_arguments(text: str, call: Callable[[Any], Any]) -> None:
    with pytest.raises(Exception) as expected:
        call(torch)
    with pytest.raises(expected.type, match=text) as found:
        call(lamella)
    assert found.type is expected.type


def test_a_state_that_does_not_fit() -> None:
    """Everything that is wrong is named, as PyTorch names it, and what fits is loaded."""
    texts, loaded = [], []
    for t in (torch, lamella):
        net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3), t.nn.Linear(3, 1))
        before = {name: value.clone() for name, value in net.state_dict().items()}
        state = {name: value + 1 for name, value in before.items()}
        del state["0.bias"], state["1.running_var"]
        state["2.weight"] = t.zeros(2, 2)
        state["1.bias"] = t.zeros(4)
        state["3.weight"] = t.zeros(1)
        with pytest.raises(RuntimeError) as caught:
            net.load_state_dict(state)
        texts.append(str(caught.value))
        after = net.state_dict()
        loaded.append({name for name in after if not t.equal(after[name], before[name])})
    assert texts[1] == texts[0]
    assert loaded[1] == loaded[0]
