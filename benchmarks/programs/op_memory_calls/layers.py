"""What networks are made of: convolutions, pooling, norms, losses and others of ``nn``."""

from __future__ import annotations

from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    functional = torch.nn.functional
    x, y = (torch.rand(2_000_000) + 0.5 for _ in range(2))
    half, brief = x.half(), x.bfloat16()
    wide, bias, given = torch.randn(1000, 2000), torch.randn(2000), torch.zeros(1000, 2000)
    places, forms = torch.randint(0, 1000, (1000,)), torch.randn(50, 100, 100)
    labels = torch.full((1000, 2000), -1)
    labels[:, :5] = torch.arange(5)
    image, kernels = torch.randn(4, 8, 250, 250), torch.randn(8, 8, 3, 3)
    last = image.to(memory_format=torch.channels_last)
    half_image, brief_image = image.half(), image.bfloat16()
    half_last = half_image.to(memory_format=torch.channels_last)
    half_volume = half[:500_000].view(1, 20, 100, 250)
    bytes_image, columns = (image * 60).to(torch.uint8), torch.randn(1, 9 * 16, 128 * 128)
    classes, grid = torch.randint(0, 8, (4, 250, 250)), torch.rand(4, 250, 250, 2) * 2 - 1
    query, sequence = torch.randn(8, 8, 256, 64), torch.randn(200, 100, 64)
    brief_query = query.half()
    recurrent = [each(64, 64).requires_grad_(False) for each in (torch.nn.LSTM, torch.nn.GRU)]
    new: Calls = {
        "softmax": lambda: wide.softmax(1),
        "log_softmax": lambda: wide.log_softmax(1),
        "layer_norm": lambda: functional.layer_norm(wide, (2000,), bias, bias),
        "embedding": lambda: functional.embedding(places, wide),
        "dropout": lambda: functional.dropout(x, 0.5),
        "conv2d": lambda: functional.conv2d(image, kernels, padding=1),
        "softmax of float16": lambda: half.view(1000, 2000).softmax(1),
        "log_softmax, first dimension": lambda: wide.log_softmax(0),
        "log_softmax of bfloat16": lambda: brief.view(1000, 2000).log_softmax(1),
        "layer_norm of float16": lambda: functional.layer_norm(half.view(1000, 2000), (2000,)),
        "batch_norm of a matrix": lambda: functional.batch_norm(wide, None, None, training=True),
        "batch_norm of given statistics": lambda: functional.batch_norm(wide, bias, bias.exp()),
        "mse_loss of each": lambda: functional.mse_loss(x, y, reduction="none"),
        "smooth_l1_loss of each": lambda: functional.smooth_l1_loss(x, y, reduction="none"),
        "max_pool2d of float16": lambda: functional.max_pool2d(half.view(4, 8, 250, 250), 2),
        "embedding_bag": lambda: functional.embedding_bag(places.view(50, 20), wide),
        "conv2d of channels-last": lambda: functional.conv2d(last, kernels, padding=1),
        "conv2d of one place, channels-last": lambda: functional.conv2d(last, kernels[..., :1, :1]),
        "conv2d of each channel": lambda: functional.conv2d(
            image, kernels[:, :1], padding=1, groups=8
        ),
        "conv2d of float16": lambda: functional.conv2d(half_image, kernels.half(), padding=1),
        "conv_transpose2d of bfloat16": lambda: functional.conv_transpose2d(
            brief_image, kernels.bfloat16()
        ),
        "nll_loss of images": lambda: functional.nll_loss(image, classes),
        "one_hot": lambda: functional.one_hot(places, 1000),
        "conv2d of each channel of large images": lambda: functional.conv2d(
            x.view(1, 2, 1000, 1000), kernels[:2, :1], padding=1, groups=2
        ),
        "conv_transpose2d": lambda: functional.conv_transpose2d(last, kernels),
        "unfold of padded images": lambda: functional.unfold(image, 3, padding=1, stride=2),
        "fold": lambda: functional.fold(columns, 130, 3),
        "attention": lambda: functional.scaled_dot_product_attention(query, query, query),
        "attention of float16": lambda: functional.scaled_dot_product_attention(
            brief_query, brief_query, brief_query
        ),
        "conv2d of stride 2": lambda: functional.conv2d(image, kernels, stride=2),
        "max_pool2d": lambda: functional.max_pool2d(image, 2),
        "pad by reflection": lambda: functional.pad(image, (1, 1, 1, 1), "reflect"),
        "pad by the edge": lambda: functional.pad(image, (1, 1, 1, 1), "replicate"),
        "pad around": lambda: functional.pad(image, (1, 1, 1, 1), "circular"),
        "multi_margin_loss": lambda: functional.multi_margin_loss(wide, places),
        "multilabel_margin_loss": lambda: functional.multilabel_margin_loss(wide, labels),
        "group_norm": lambda: functional.group_norm(image, 2, bias[:8], bias[:8]),
        "instance_norm": lambda: functional.instance_norm(image),
        "interpolate, nearest": lambda: functional.interpolate(image[:, :2], scale_factor=2),
        "interpolate, bilinear": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="bilinear"
        ),
        "interpolate, bicubic": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="bicubic"
        ),
        "interpolate, area": lambda: functional.interpolate(
            image[:, :2], scale_factor=2, mode="area"
        ),
        "interpolate, area of channels-last": lambda: functional.interpolate(
            last, size=(200, 190), mode="area"
        ),
        "interpolate, antialiased": lambda: functional.interpolate(
            image, scale_factor=0.5, mode="bilinear", antialias=True
        ),
        "interpolate of bytes": lambda: functional.interpolate(
            bytes_image, scale_factor=2, mode="bilinear"
        ),
        "interpolate of one row": lambda: functional.interpolate(
            x[None, None, :1_000_000], scale_factor=2, mode="linear"
        ),
        "adaptive_avg_pool2d to many places": lambda: functional.adaptive_avg_pool2d(image, 100),
        "bilinear": lambda: functional.bilinear(wide[:, :100], wide[:, 100:200], forms),
        "pixel_shuffle, channels last": lambda: functional.pixel_shuffle(last, 2),
        "channel_shuffle, channels last": lambda: functional.channel_shuffle(last, 2),
        "grid_sample of a transpose": lambda: functional.grid_sample(
            image.mT, grid, "nearest", align_corners=False
        ),
        "glu": lambda: functional.glu(wide),
        "max_pool2d, channels last": lambda: functional.max_pool2d(last, 3, 1, 1),
        "max_pool2d of one image": lambda: functional.max_pool2d(x.view(1, 1, 1000, 2000), 3, 1, 1),
        "places of max_pool2d": lambda: functional.max_pool2d(image, 2, return_indices=True),
        "avg_pool2d of float16": lambda: functional.avg_pool2d(half_image, 3, 1, 1),
        "avg_pool2d, channels last": lambda: functional.avg_pool2d(last, 2),
        "avg_pool3d": lambda: functional.avg_pool3d(image[None], 3, 1, 1),
        "adaptive_avg_pool2d of float16": lambda: functional.adaptive_avg_pool2d(half_image, 7),
        "adaptive_max_pool2d of float16": lambda: functional.adaptive_max_pool2d(half_image, 7),
        "adaptive_max_pool2d, channels last": lambda: functional.adaptive_max_pool2d(
            last, 100, return_indices=True
        ),
        "max_pool3d of float16": lambda: functional.max_pool3d(half_volume, 2),
        "fractional_max_pool2d": lambda: functional.fractional_max_pool2d(
            image, 2, output_size=120, return_indices=True
        ),
        "rms_norm of bfloat16": lambda: functional.rms_norm(brief.view(1000, 2000), (2000,)),
        "local_response_norm": lambda: functional.local_response_norm(image, 3),
        "batch_norm of float16, given statistics": lambda: functional.batch_norm(
            half_image, bias[:8], bias[:8].exp()
        ),
        "batch_norm of float16": lambda: functional.batch_norm(
            half_image, None, None, training=True
        ),
        "batch_norm of a transpose": lambda: functional.batch_norm(
            image.mT, None, None, training=True
        ),
        "batch_norm of a transpose, given statistics": lambda: functional.batch_norm(
            image.mT, bias[:8], bias[:8].exp()
        ),
        "group_norm of float16, channels-last": lambda: functional.group_norm(half_last, 2),
        "lstm": lambda: recurrent[0](sequence),
        "gru": lambda: recurrent[1](sequence),
    }
    inside: Calls = {
        "softmax into a tensor": lambda: torch.softmax(wide, 1, out=given),
        "dropout2d in place": lambda: functional.dropout2d(image, 0.5, inplace=True),
        "feature_alpha_dropout in place": lambda: functional.feature_alpha_dropout(
            image, 0.5, True, inplace=True
        ),
    }
    return new, inside
