"""Where PyTorch has the classes whose files are divided otherwise here.

Programs import by these paths, and files that hold whole modules name classes by them.
"""

from __future__ import annotations

import sys

from lamella_core.serialization import register_place

# Our file to PyTorch's; a class that has another place than the rest of its file by its own name.
_FILES = {
    "adaptive_pooling": "pooling",
    "conv_transpose": "conv",
    "ctc": "loss",
    "fractional_pooling": "pooling",
    "lazy_conv": "conv",
    "lazy_norm": "batchnorm",
    "linear_cross_entropy": "loss",
    "multihead_attention": "activation",
    "parameter_container": "container",
    "ranking_loss": "loss",
    "regression_loss": "loss",
    "rnn_cell": "rnn",
    "unpooling": "pooling",
}
_CLASSES = {
    "ChannelShuffle": "channelshuffle",
    "LazyInstanceNorm1d": "instancenorm",
    "LazyInstanceNorm2d": "instancenorm",
    "LazyInstanceNorm3d": "instancenorm",
    "LinearCrossEntropyOptions": "linear_cross_entropy_options",
}


def put_in_place(classes: dict[str, type]) -> None:
    """Make classes known under PyTorch's paths, also as attributes of modules of that name."""
    for name, cls in classes.items():
        package, _, own = cls.__module__.rpartition(".")
        place = _CLASSES.get(name) or _FILES.get(own)
        if place is None:
            continue
        register_place(f"torch.nn.modules.{place}", cls)
        module = sys.modules.get(f"{package}.{place}")
        if module is not None:
            setattr(module, name, cls)
