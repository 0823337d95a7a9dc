"""The Python array API standard, 2024.12, over tensors.

Importing it gives tensors ``__array_namespace__``, by which SciPy and scikit-learn find it.

Its functions are what the standard says where PyTorch's of the same name differ: 0-dim arrays
promote as others do, ``axis`` and ``keepdims`` are named so, and Python numbers stand for arrays
of the other operand's type. They are made of the public ops, so they run on every device and have
gradients. Not there: ``x.size``, which is
PyTorch's method. Operators between tensors promote as PyTorch does.
"""

from __future__ import annotations

from math import e, inf, nan, pi

from lamella_array_api import fft, linalg, method
from lamella_array_api.creation import *
from lamella_array_api.data_types import *
from lamella_array_api.elementwise import *
from lamella_array_api.manipulation import *
from lamella_array_api.searching import *
from lamella_array_api.statistics import *
from lamella_core.dtype import bool_ as bool
from lamella_core.dtype import (
    complex64,
    complex128,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

matmul, matrix_transpose = linalg.matmul, linalg.matrix_transpose
tensordot, vecdot = linalg.tensordot, linalg.vecdot
newaxis = None
__array_api_version__ = "2024.12"
