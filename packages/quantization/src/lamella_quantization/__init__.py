"""Quantized tensors: integers that stand for numbers.

Importing it gives tensors ``dequantize``, ``int_repr``, ``q_scale``, ``q_zero_point``, ``qscheme``
and their like per channel.
"""

from lamella_quantization.dtypes import (
    per_channel_affine,
    per_channel_symmetric,
    per_tensor_affine,
    per_tensor_symmetric,
    qint8,
    qint32,
    qscheme,
    quint8,
)
from lamella_quantization.quantize import dequantize, quantize_per_channel, quantize_per_tensor

__all__ = [
    "dequantize",
    "per_channel_affine",
    "per_channel_symmetric",
    "per_tensor_affine",
    "per_tensor_symmetric",
    "qint8",
    "qint32",
    "qscheme",
    "quantize_per_channel",
    "quantize_per_tensor",
    "quint8",
]
