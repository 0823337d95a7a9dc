"""Gradients alone, of results that are there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    functional = torch.nn.functional
    x, y, z = (torch.rand(2_000_000) + 0.5 for _ in range(3))
    numbers, big = torch.complex(x[:1_000_000], y[:1_000_000]), torch.randn(1000, 1000)
    wide, rows, bias = torch.randn(1000, 2000), torch.randn(1000, 2000), torch.randn(2000)
    places, forms = torch.randint(0, 1000, (1000,)), torch.randn(50, 100, 100)
    image, kernels = torch.randn(4, 8, 250, 250), torch.randn(8, 8, 3, 3)
    last, half_image = image.to(memory_format=torch.channels_last), image.half()
    classes = torch.randint(0, 8, (4, 250, 250))

    def gradient(call: Callable[[Any], Any], *inputs: Any) -> Callable[[], Any]:
        leaves = [each.detach().clone().requires_grad_() for each in inputs]
        result = call(*leaves)
        given = torch.ones_like(result)
        return lambda: torch.autograd.grad(result, leaves, given, retain_graph=True)

    new: Calls = {
        "gradient of nll_loss of images": gradient(
            lambda a: functional.nll_loss(a, classes), image
        ),
        "gradient of interpolate, area": gradient(
            lambda a: functional.interpolate(a, size=(200, 190), mode="area"), image
        ),
        "gradient of interpolate, antialiased": gradient(
            lambda a: functional.interpolate(a, scale_factor=0.5, mode="bilinear", antialias=True),
            image,
        ),
        "gradient of bilinear": gradient(
            lambda a: functional.bilinear(wide[:, :100], wide[:, 100:200], a), forms
        ),
        "gradient of batch_norm of float16": gradient(
            lambda a: functional.batch_norm(a, None, None, training=True), half_image
        ),
        "gradient of batch_norm of float16, given statistics": gradient(
            lambda a: functional.batch_norm(a, bias[:8], bias[:8].exp()), half_image
        ),
        "gradient of group_norm of float16": gradient(
            lambda a: functional.group_norm(a, 2), half_image
        ),
        "gradient of conv2d of float16": gradient(
            lambda a, b: functional.conv2d(a, b, padding=1), half_image, kernels.half()
        ),
        "gradient of conv2d of float16, stride 2": gradient(
            lambda a: functional.conv2d(a, kernels.half(), stride=2, padding=1), half_image
        ),
        "gradient of conv2d of each channel": gradient(
            lambda a, b: functional.conv2d(a, b, padding=1, groups=8), image, kernels[:, :1]
        ),
        "gradient of max_pool2d": gradient(lambda a: functional.max_pool2d(a, 2), image),
        "gradient of max_pool2d, channels last": gradient(
            lambda a: functional.max_pool2d(a, 3, 2, 1), last
        ),
        "gradient of avg_pool2d": gradient(lambda a: functional.avg_pool2d(a, 2), last),
        "gradient of adaptive_avg_pool2d": gradient(
            lambda a: functional.adaptive_avg_pool2d(a, 10), image
        ),
        "gradient of embedding": gradient(
            lambda a: functional.embedding(places, a, padding_idx=3), wide
        ),
        "gradient of embedding_bag": gradient(
            lambda a: functional.embedding_bag(places.view(50, 20), a), wide
        ),
        "gradient of logsigmoid": gradient(functional.logsigmoid, x),
        "gradient of as_strided": gradient(lambda a: a.as_strided((1000, 1000), (2000, 2)), wide),
        "gradient of addr": gradient(torch.addr, wide, wide[:, 0], wide[0]),
        "gradient of addmm with factors": gradient(
            lambda a, b, c: torch.addmm(a, b, c, beta=2, alpha=3), big, big, big
        ),
        "gradient of dist": gradient(torch.dist, x, y),
        "gradient of vdot": gradient(torch.vdot, numbers, numbers),
        "gradient of fmod": gradient(torch.fmod, x, y),
        "gradient of copysign": gradient(torch.copysign, x, y),
        "gradient of imag": gradient(lambda a: a.imag, numbers),
        "gradient of repeat": gradient(lambda a: a.repeat(2, 2), big),
        "gradient of slice_scatter": gradient(
            lambda a, b: a.slice_scatter(b, 0, 0, 500), wide, rows[:500]
        ),
        "gradient of index_add": gradient(lambda a, b: a.index_add(0, places, b), wide, rows),
        "gradient of irfft": gradient(torch.fft.irfft, numbers.view(1000, 1000)),
        "gradient of gelu of a transpose": gradient(functional.gelu, wide.t()),
        "gradient of a complex product": gradient(torch.mul, numbers, numbers),
        "gradient of a weighted binary_cross_entropy": gradient(
            lambda a: functional.binary_cross_entropy_with_logits(a, y, weight=z), x
        ),
        "gradient of binary_cross_entropy by both": gradient(
            functional.binary_cross_entropy, x - 0.5, y - 0.5
        ),
        "gradient of cross": gradient(
            partial(torch.linalg.cross, dim=-1),
            x[:1_999_998].view(-1, 3),
            y[:1_999_998].view(-1, 3),
        ),
        "gradient of a slope": gradient(functional.leaky_relu, x),
    }
    return new, {}
