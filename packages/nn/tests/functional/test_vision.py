"""Rearrangements undo each other; resampling follows its formulas."""

from __future__ import annotations

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
