"""Quantized element types, and the schemes that say what their integers stand for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lamella_core.dtype import INTEGER, dtype, register
from lamella_core.printing import MODULE_PREFIX

qint8 = register(dtype("qint8", np.int8, INTEGER, "QInt8"))
quint8 = register(dtype("quint8", np.uint8, INTEGER, "QUInt8"))
qint32 = register(dtype("qint32", np.int32, INTEGER, "QInt32"))

QUANTIZED = (qint8, quint8, qint32)


class qscheme(NamedTuple):
    """How a quantized tensor's integers are mapped to numbers."""

    name: str

    def __repr__(self) -> str:
        return f"{MODULE_PREFIX}{self.name}"


per_tensor_affine = qscheme("per_tensor_affine")
per_channel_affine = qscheme("per_channel_affine")
per_tensor_symmetric = qscheme("per_tensor_symmetric")
per_channel_symmetric = qscheme("per_channel_symmetric")
