"""Reading images at places: gradients, affine maps, errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_autograd as autograd
import lamella_core as torch
from lamella_nn import functional as F

MODES = ["bilinear", "nearest", "bicubic"]
PADDINGS = ["zeros", "border", "reflection"]


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("padding_mode", PADDINGS)
@pytest.mark.parametrize(
    ("mode", "sizes"), [*[(m, (3, 4)) for m in MODES], ("bilinear", (2, 3, 2))]
)
def test_gradients(mode, sizes, padding_mode, align_corners):
    random = np.random.default_rng(5)
    image = torch.tensor(random.standard_normal((2, 2, *sizes)), requires_grad=True)
    grid = random.uniform(-1.4, 1.4, (2, *[2] * len(sizes), len(sizes)))
    places = torch.tensor(grid, requires_grad=True)

    def sample(image, places):
        return F.grid_sample(image, places, mode, padding_mode, align_corners)

    assert autograd.gradcheck(sample, (image, places))
    assert autograd.gradgradcheck(sample, (image, places))


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_the_identity_map_gives_the_image(mode, align_corners):
    image = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    theta = torch.eye(2, 3, dtype=torch.float64).repeat(2, 1, 1)
    grid = F.affine_grid(theta, image.shape, align_corners)
    found = F.grid_sample(image, grid, mode, align_corners=align_corners)
    np.testing.assert_allclose(found.numpy(), image.numpy(), atol=1e-9)


def test_a_mirror_in_depth():
    volume = torch.arange(24.0).reshape(1, 1, 2, 3, 4)
    theta = torch.eye(3, 4).unsqueeze(0)
    theta[0, 2, 2] = -1
    grid = F.affine_grid(theta, volume.shape, align_corners=True)
    found = F.grid_sample(volume, grid, align_corners=True)
    np.testing.assert_allclose(found.numpy(), volume.flip(2).numpy(), atol=1e-5)


def test_affine_grid_has_the_centres():
    theta = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 2.0, 0.0]]])
    grid = F.affine_grid(theta, (1, 1, 2, 4), align_corners=False)
    assert grid[0, 0, :, 0].tolist() == pytest.approx([-0.25, 0.25, 0.75, 1.25])
    assert grid[0, :, 0, 1].tolist() == pytest.approx([-1.0, 1.0])
    theta = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert autograd.gradcheck(lambda t: F.affine_grid(t, (2, 1, 2, 1, 3), False), (theta,))


def test_no_images_and_no_places():
    nothing = F.grid_sample(torch.zeros(0, 1, 2, 2), torch.zeros(0, 3, 3, 2), align_corners=True)
    assert nothing.shape == (0, 1, 3, 3)
    nowhere = F.grid_sample(torch.zeros(1, 2, 2, 2), torch.zeros(1, 0, 3, 2), align_corners=True)
    assert nowhere.shape == (1, 2, 0, 3)


IMAGE = torch.zeros(1, 1, 3, 4)
ERRORS = [
    (ValueError, "mode to be.*'cubic'", IMAGE, (1, 2, 2, 2), {"mode": "cubic"}),
    (ValueError, "padding_mode to be.*'same'", IMAGE, (1, 2, 2, 2), {"padding_mode": "same"}),
    (RuntimeError, r"size 2 in last.*\[1, 2, 2, 3\]", IMAGE, (1, 2, 2, 3), {}),
    (RuntimeError, r"same batch size.*\[2, 2, 2, 2\]", IMAGE, (2, 2, 2, 2), {}),
    (RuntimeError, "4D or 5D", torch.zeros(1, 1, 4), (1, 2, 1), {}),
    (RuntimeError, "dimension 2 being empty", torch.zeros(1, 1, 0, 4), (1, 2, 2, 2), {}),
    (RuntimeError, "only supports 4D", IMAGE.unsqueeze(2), (1, 2, 2, 2, 3), {"mode": "bicubic"}),
    (RuntimeError, "Double but found Float", IMAGE.double(), (1, 2, 2, 2), {}),
]


@pytest.mark.parametrize(("kind", "text", "image", "shape", "options"), ERRORS)
def test_errors(kind, text, image, shape, options):
    with pytest.raises(kind, match=text):
        F.grid_sample(image, torch.zeros(shape), align_corners=False, **options)


THETA = torch.zeros(1, 2, 3)
AFFINE_ERRORS = [
    (ValueError, "floating point type.*int64", THETA.long(), (1, 1, 2, 2)),
    (ValueError, "2D affine matrices of shape Nx2x3", torch.zeros(1, 3, 4), (1, 1, 2, 2)),
    (ValueError, "positive output size", THETA, (1, 1, 0, 2)),
    (NotImplementedError, "4D and 5D sizes", THETA, (1, 1, 2)),
    (RuntimeError, r"as many matrices as images, 2.*\[1, 2, 3\]", THETA, (2, 1, 2, 2)),
]


@pytest.mark.parametrize(("kind", "text", "theta", "size"), AFFINE_ERRORS)
def test_errors_of_affine_grid(kind, text, theta, size):
    with pytest.raises(kind, match=text):
        F.affine_grid(theta, size, align_corners=False)


def test_an_unsaid_align_corners_warns():
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        grid = F.affine_grid(THETA, (1, 1, 2, 2))
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        F.grid_sample(IMAGE, grid)


@pytest.mark.parametrize("kind", ["channels-last", "turned", "cut", "expanded"])
def test_images_are_read_as_they_lie(kind):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    if kind == "channels-last":
        one = x.to(memory_format=torch.channels_last)
    elif kind == "turned":
        one = x.mT.contiguous().mT
    elif kind == "cut":
        one = torch.zeros(2, 3, 12, 10, dtype=torch.float64)
        one[..., ::2, 1::2] = x
        one = one[..., ::2, 1::2]
    else:
        one = x[:1].expand(2, 3, 6, 5)
    grid = torch.rand(2, 4, 7, 2, dtype=torch.float64) * 2.2 - 1.1
    found = []
    for images in (one, one.contiguous()):
        leaves = images.detach().requires_grad_(), grid.detach().requires_grad_()
        result = F.grid_sample(*leaves, align_corners=False)
        found.append([result, *autograd.grad(result.square().sum(), leaves)])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-12)
