"""Rearrangements undo each other; resampling follows its formulas."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F


def test_pixel_shuffle_and_back():
    x = torch.arange(16.0).reshape(1, 4, 2, 2)
    result = F.pixel_shuffle(x, 2)
    assert result[0, 0, 0].tolist() == [0.0, 4.0, 1.0, 5.0]
    assert F.pixel_unshuffle(result, 2).tolist() == x.tolist()


def test_channel_shuffle():
    x = torch.arange(4.0).reshape(1, 4, 1)
    assert F.channel_shuffle(x, 2).reshape(-1).tolist() == [0.0, 2.0, 1.0, 3.0]


@pytest.mark.parametrize("name", ["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"])
def test_channels_last_stays_so(name):
    x = torch.arange(2 * 8 * 6 * 4.0).reshape(2, 8, 6, 4)
    last = x.to(memory_format=torch.channels_last)
    found = getattr(F, name)(last, 2)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert found.tolist() == getattr(F, name)(x, 2).tolist()


def test_interpolate():
    x = torch.tensor([[[0.0, 1.0]]])
    assert F.interpolate(x, size=4).reshape(-1).tolist() == [0.0, 0.0, 1.0, 1.0]
    linear = F.interpolate(x, size=4, mode="linear").reshape(-1).tolist()
    assert linear == [0.0, 0.25, 0.75, 1.0]
    aligned = F.interpolate(x, size=3, mode="linear", align_corners=True).reshape(-1).tolist()
    assert aligned == [0.0, 0.5, 1.0]


def test_errors():
    with pytest.raises(ValueError, match="only one of size or scale_factor"):
        F.interpolate(torch.zeros(1, 1, 2), 2, 2)
    with pytest.raises(RuntimeError, match="divisible by the square"):
        F.pixel_shuffle(torch.zeros(1, 3, 2, 2), 2)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
def test_interpolation_saves_nothing_and_has_its_adjoint(mode: str) -> None:
    """``<y, R x> = <R^T y, x>``, in passes that need no ``retain_graph``, as in PyTorch."""
    for size in (3, 5, 11):
        x = torch.arange(10.0, dtype=torch.float64).reshape(1, 2, 5).sin().requires_grad_()
        resampled = F.interpolate(x, size=size, mode=mode)
        y = torch.arange(2.0 * size, dtype=torch.float64).reshape(1, 2, size).cos()
        autograd.grad(resampled, x, y)
        (adjoint,) = autograd.grad(resampled, x, y)
        assert (adjoint * x).sum().item() == pytest.approx((y * resampled).sum().item())
    assert autograd.gradgradcheck(
        lambda x: F.interpolate(x, size=7, mode=mode) ** 2, x.detach().requires_grad_()
    )


def test_errors_and_warnings_are_pytorchs():
    x = torch.ones(1, 1, 4, 4)
    with pytest.raises(ValueError, match="not meaningful with an explicit size"):
        F.interpolate(x, size=2, recompute_scale_factor=True)
    with pytest.raises(NotImplementedError, match="Long"):
        F.interpolate(x.long(), size=2)
    with pytest.raises(TypeError, match="size"):
        F.interpolate(x, size=2.5)
    with pytest.raises(NotImplementedError, match="Got 4D input, but linear mode needs 3D input"):
        F.interpolate(x, size=2, mode="linear")
    with pytest.warns(UserWarning, match="`nn.functional.upsample_nearest` is deprecated"):
        F.upsample_nearest(x, 2)


def test_old_names_warn_where_they_are_called() -> None:
    with pytest.warns(UserWarning, match="deprecated") as found:
        F.upsample_nearest(torch.ones(1, 1, 2, 2), scale_factor=2)
    assert found[0].filename == __file__


@pytest.mark.parametrize("shape", [(1, 4, 2, 2), (1, 4, 1, 1)])
def test_shuffles_copy(shape) -> None:
    x = torch.ones(shape)
    for call in (
        lambda: F.pixel_shuffle(x, 1),
        lambda: F.pixel_shuffle(x, 2),
        lambda: F.pixel_unshuffle(x, 1),
        lambda: F.channel_shuffle(x, 1),
        lambda: F.channel_shuffle(x, 4),
    ):
        call().zero_()
        assert x.sum() == x.numel()


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "nearest-exact", "area"])
@pytest.mark.parametrize(
    "wanted", [{"size": 2**50}, {"scale_factor": 1e12}, {"scale_factor": float("inf")}]
)
def test_sizes_beyond_memory_are_refused_at_once(mode, wanted) -> None:
    with pytest.raises(RuntimeError, match="memory|overflow"):
        F.interpolate(torch.ones(1, 2, 4, 4), mode=mode, **wanted)


# PyTorch 2.13: interpolate(arange(36).view(1, 1, 6, 6) ** 2 / 10, 2, mode=mode, antialias=True).
RECORDED = {
    "bilinear": [11.125, 16.125, 59.875, 72.375],
    "bicubic": [8.4497229917, 13.5344875346, 61.4292243767, 75.5023545706],
    "lanczos": [6.5659937214, 11.669130135, 61.9856359108, 77.0091018075],
}


@pytest.mark.parametrize("mode", RECORDED)
def test_averages_as_recorded(mode):
    image = torch.arange(36.0, dtype=torch.float64).reshape(1, 1, 6, 6) ** 2 / 10
    found = F.interpolate(image, 2, mode=mode, antialias=True)
    np.testing.assert_allclose(found.flatten().tolist(), RECORDED[mode], rtol=1e-9)


def test_averages_of_the_size_that_it_has_and_gradients():
    image = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    same = F.interpolate(image, (4, 5), mode="bicubic", antialias=True)
    np.testing.assert_allclose(same.detach().numpy(), image.detach().numpy())
    assert autograd.gradcheck(
        lambda x: F.interpolate(x, scale_factor=(0.5, 0.7), mode="bilinear", antialias=True),
        (image,),
    )


def test_errors_of_averages():
    image = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match="restricted to bilinear.*'nearest' and 4 dimensions"):
        F.interpolate(image, 2, antialias=True)
    with pytest.raises(ValueError, match="requires a 4-D tensor.*3 dimensions"):
        F.interpolate(image[0], 2, mode="bilinear", antialias=True)
    with pytest.raises(ValueError, match="requires antialias=True"):
        F.interpolate(image, 2, mode="lanczos")
    with pytest.raises(ValueError, match="does not support align_corners=True"):
        F.interpolate(image, 2, mode="lanczos", antialias=True, align_corners=True)
    with pytest.raises(NotImplementedError, match="Long"):
        F.interpolate(image.long(), 2, mode="bilinear", antialias=True)


# Recorded from PyTorch 2.13 on a CPU.
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
def test_8_bit_images_as_recorded(
    mode: str, size: tuple[int, int], align_corners: bool, expected: object
) -> None:
    image = torch.tensor(IMAGE, dtype=torch.uint8)
    found = F.interpolate(image, size, mode=mode, align_corners=align_corners)
    assert found.dtype is torch.uint8
    assert found.tolist() == [[expected]]


def test_8_bit_images_of_the_same_size() -> None:
    image = torch.tensor(IMAGE, dtype=torch.uint8)
    assert F.interpolate(image, (3, 4), mode="bilinear").tolist() == IMAGE


def test_integers_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="'Int'"):
        F.interpolate(torch.tensor(IMAGE, dtype=torch.int32), (2, 3), mode="bilinear")
    with pytest.raises(NotImplementedError, match="'Byte'"):
        F.interpolate(torch.ones(1, 1, 3, dtype=torch.uint8), 2, mode="linear")


def test_of_two_as_near_the_one_that_single_precision_tells():
    # PyTorch 2.13: interpolate(arange(60.0)[None, None, None], (1, 11), mode="nearest-exact").
    x = torch.arange(60.0)[None, None, None]
    exact = F.interpolate(x, (1, 11), mode="nearest-exact").flatten().tolist()
    assert exact == [2, 8, 13, 19, 24, 30, 35, 40, 46, 51, 57]
