"""Dropout: the numbers of PyTorch 2.13 from the same seed, recorded there on a CPU."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_nn.ops import dropout as ops


@pytest.fixture(autouse=True)
def seeded() -> None:
    lc.manual_seed(0)


def test_dropout() -> None:
    got = ops.dropout(lc.ones(8), 0.5, True)
    assert got.tolist() == [0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 2.0]


def test_alpha_dropout() -> None:
    low, high = -0.7791939377784729, 1.6655988693237305
    got = ops.alpha_dropout(lc.ones(4), 0.5, True)
    assert got.tolist() == pytest.approx([low, low, high, low], rel=1e-6)


def test_whole_channels() -> None:
    got = ops.feature_dropout(lc.ones(2, 3, 1, 2), 0.5, True)
    assert got.flatten().tolist() == [0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0]
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        ops.feature_dropout(lc.ones(2), 0.5, True)


def test_without_effect() -> None:
    x = lc.ones(3)
    assert ops.dropout(x, 0.5, False) is x
    assert ops.dropout(x, 0.0, True) is x
    assert ops.dropout(x, 1.0, True).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        ops.dropout(x, 2.0, True)


def test_in_place_and_mask() -> None:
    x = lc.ones(8)
    assert ops.dropout_(x, 0.5, True) is x
    assert x.tolist() == [0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 2.0]
    result, mask = ops.native_dropout(lc.ones(100), 0.3, True)
    assert ((result != 0) == mask).all().item()


def test_in_place_half_precision_and_whole_channels() -> None:
    # torch.nn.functional.dropout of ones in float16, p = 0.3: 1 / 0.7 is rounded once.
    assert ops.dropout(lc.ones(99, dtype=lc.float16), 0.3, True).max().item() == 1.4287109375
    assert ops.dropout_(lc.ones(99, dtype=lc.float16), 0.3, True).max().item() == 1.4287109375
    for name in ("feature_dropout", "alpha_dropout", "feature_alpha_dropout"):
        x = lc.ones(2, 3, 2, 2)
        lc.manual_seed(1)
        expected = getattr(ops, name)(x, 0.4, True).tolist()
        lc.manual_seed(1)
        assert getattr(ops, name + "_")(x, 0.4, True) is x
        assert x.tolist() == expected
    assert ops.alpha_dropout_(lc.ones(3), 1.0, True).tolist() == [0.0, 0.0, 0.0]
