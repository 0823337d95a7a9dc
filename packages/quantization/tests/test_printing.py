"""Texts were recorded from PyTorch 2.13."""

from __future__ import annotations

import lamella_core as core
import lamella_quantization as lq


def test_per_tensor() -> None:
    numbers = core.tensor([-1.0, 0.0, 0.26, 1.0, 100.0])
    assert repr(lq.quantize_per_tensor(numbers, 0.1, 10, lq.quint8)) == (
        "tensor([-1.0000,  0.0000,  0.3000,  1.0000, 24.5000], size=(5,),\n"
        "       dtype=torch.quint8, quantization_scheme=torch.per_tensor_affine,\n"
        "       scale=0.1, zero_point=10)"
    )


def test_schemes_and_types() -> None:
    assert repr(lq.per_channel_affine) == "torch.per_channel_affine"
    assert repr(lq.qint32) == "torch.qint32"
    assert (lq.qint8.itemsize, lq.qint32.itemsize) == (1, 4)
