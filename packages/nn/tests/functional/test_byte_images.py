"""Resampling of 8-bit images: recorded from PyTorch 2.13 on CPU."""

from __future__ import annotations

import pytest

import lamella_core as torch
from lamella_nn import functional as F

IMAGE = [[[[0, 255, 17, 90], [200, 3, 128, 64], [255, 0, 255, 0]]]]


@pytest.mark.parametrize(
    ("mode", "size", "align_corners", "expected"),
    [
        ("bilinear", (2, 3), False, [[73, 119, 77], [202, 113, 50]]),
        ("bicubic", (2, 3), False, [[69, 128, 76], [209, 107, 49]]),
        (
            "bilinear", (4, 5), True,
            [[0, 191, 136, 35, 90], [133, 98, 89, 86, 73], [218, 56, 87, 138, 43],
             [255, 64, 128, 191, 0]],
        ),
        (
            "bicubic", (4, 5), True,
            [[0, 222, 153, 8, 90], [131, 94, 76, 79, 79], [240, 12, 66, 171, 41],
             [255, 31, 128, 224, 0]],
        ),
    ],
)  # fmt: skip
def test_images(mode: str, size: tuple[int, int], align_corners: bool, expected: object) -> None:
    image = torch.tensor(IMAGE, dtype=torch.uint8)
    found = F.interpolate(image, size, mode=mode, align_corners=align_corners)
    assert found.dtype is torch.uint8
    assert found.tolist() == [[expected]]


def test_the_same_size_changes_nothing() -> None:
    image = torch.tensor(IMAGE, dtype=torch.uint8)
    assert F.interpolate(image, (3, 4), mode="bilinear").tolist() == IMAGE


def test_other_integers_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="'Int'"):
        F.interpolate(torch.tensor(IMAGE, dtype=torch.int32), (2, 3), mode="bilinear")
    with pytest.raises(NotImplementedError, match="'Byte'"):
        F.interpolate(torch.ones(1, 1, 3, dtype=torch.uint8), 2, mode="linear")
