"""Losses and distances of tensors of several types: PyTorch's results, or its exceptions."""

from __future__ import annotations

import re
import sys
from itertools import product
from pathlib import Path

import pytest
import torch

import lamella

sys.path.insert(0, str(Path(__file__).parent))

from evaluation import outcome

REAL = ("float32", "float64", "float16", "bfloat16")
TYPES = (*REAL, "int64", "int32", "bool", "uint8", "complex64")

INPUT = "torch.tensor([[0.25, 0.5, 0.75], [0.3, 1.0, 0.0]]).to(torch.{})"
TARGET = "torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.5]]).to(torch.{})"
NUMBER = "torch.tensor(1.0).to(torch.{})"
WEIGHT = "torch.tensor([1.0, 2.0, 1.0]).to(torch.{})"
SIGNS = "torch.tensor([1, -1]).to(torch.{})"
CLASSES = "torch.tensor([1, 0]).to(torch.{})"


def calls() -> dict[str, list[str]]:
    """The calls, by function; each type in the place of each pair of braces."""
    templates = [
        f"F.{name}({INPUT}, {target}, reduction={reduction!r})"
        for name in (
            "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy soft_margin_loss "
            "binary_cross_entropy_with_logits kl_div poisson_nll_loss hinge_embedding_loss "
            "multilabel_soft_margin_loss cross_entropy"
        ).split()
        for target, reduction in ((TARGET, "mean"), (TARGET, "none"), (NUMBER, "mean"))
    ]
    templates += [
        f"F.binary_cross_entropy({INPUT}, {INPUT}, weight={WEIGHT})",
        f"F.binary_cross_entropy_with_logits({INPUT}, {TARGET}, weight={WEIGHT})",
        f"F.binary_cross_entropy_with_logits({INPUT}, {TARGET}, pos_weight={WEIGHT})",
        f"F.multi_margin_loss({INPUT}, {CLASSES})",
        f"F.multi_margin_loss({INPUT}, L, weight={WEIGHT})",
        f"F.multilabel_margin_loss({INPUT}, {TARGET})",
        f"F.nll_loss({INPUT}, {CLASSES})",
        f"F.nll_loss({INPUT}, L, weight={WEIGHT})",
        f"F.cross_entropy({INPUT}, L, weight={WEIGHT})",
        f"F.cosine_embedding_loss({INPUT}, {INPUT}, {SIGNS})",
        f"F.triplet_margin_loss({INPUT}, {TARGET}, {WEIGHT}.expand(2, 3))",
        f"F.cosine_similarity({INPUT}, {TARGET})",
        f"F.pairwise_distance({INPUT}, {TARGET})",
        *(f"torch.cdist({INPUT}, {TARGET}, {p})" for p in (0, 1, 2, "float('nan')")),
        f"torch.cdist({INPUT}[:0], {TARGET})",
        f"torch.cdist({INPUT}[:, :0], {TARGET}[:, :0])",
        f"torch.cdist({INPUT}.repeat(20, 1), {TARGET}.repeat(20, 1)).shape",
        *(f"torch.pdist({INPUT}, {p})" for p in (0, 1, 2, "float('inf')", "float('nan')")),
        f"torch.pdist({INPUT}[:, :0], float('inf'))",
        f"torch.pdist({INPUT}[0])",
        f"torch.pdist({INPUT}[:1])",
    ]
    found: dict[str, list[str]] = {}
    for template in templates:
        count = template.count("{}")
        for types in product(REAL if count > 2 else TYPES, repeat=min(count, 2)):
            filled = template.format(*types, *[types[-1]] * (count - len(types)))
            found.setdefault(template.partition("(")[0], []).append(filled)
    return found


CALLS = calls()

# PyTorch rounds the logarithms of probabilities to half precision before it picks those of the
# classes; expanded operands of smooth_l1_loss it rounds otherwise than others.
ROUNDED = ("F.cross_entropy", "F.smooth_l1_loss")


# There is no complex type of half precision; and the indices of classes are looked at for their
# type before their least is searched.
EXCEPTED = {
    ("F.poisson_nll_loss", "NotImplementedError", "float16", "complex64"),
    ("F.multilabel_soft_margin_loss", "NotImplementedError", "float16", "complex64"),
    ("F.multilabel_margin_loss", "NotImplementedError", "float32", "complex64"),
    ("F.multilabel_margin_loss", "NotImplementedError", "float64", "complex64"),
}


def same(name: str, ours: object, expected: object) -> bool:
    if name in ROUNDED and isinstance(ours, tuple) and isinstance(expected, tuple):
        near = pytest.approx(expected[2], rel=1e-2) if expected[1] == () else expected[2]
        return ours[:2] == expected[:2] and ours[2] == near
    return ours == expected


@pytest.mark.parametrize("name", CALLS)
def test_types_are_combined_and_refused_as_by_pytorch(name: str) -> None:
    wrong = []
    for call in CALLS[name]:
        expected, ours = outcome(torch, call), outcome(lamella, call)
        types = re.findall(r"torch\.(\w+)\)", call)
        if not same(name, ours, expected) and (name, expected, *types) not in EXCEPTED:
            wrong.append((call, expected, ours))
    assert not wrong, f"{len(wrong)} of {len(CALLS[name])}, such as {wrong[:3]}"
