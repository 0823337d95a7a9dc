"""Tensors, dispatch and the array ops of PyTorch's API, on NumPy and CuPy.

This is the package's public face: the types, what packages and plugins register with, and every
op. The module :mod:`lamella_core.dtype` keeps its name here; its class is
``lamella_core.dtype.dtype``.
"""

from __future__ import annotations

import os as _os
import sys as _sys

if "numpy" not in _sys.modules:
    # OpenBLAS reads it when NumPy loads it; ``parallel.rests`` says why. Half a millisecond, which
    # this comes to, still spans the gap between two products in a row.
    _os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")

from math import e, inf, nan, pi

from lamella_core import kernels as _kernels
from lamella_core import return_types
from lamella_core.backend import Backend, OutOfMemoryError
from lamella_core.backends import numpy_kernels as _numpy_kernels
from lamella_core.backends.numpy import NumpyBackend
from lamella_core.composite import composite
from lamella_core.device import Device, get_default_device, set_default_device
from lamella_core.dispatch import (
    Layer,
    backends,
    load_backends,
    namespace_kernels,
    override_kernel,
    register_backend,
    register_kernel,
    register_layer,
    shared_kernel,
)
from lamella_core.dlpack import *
from lamella_core.dtype import bfloat16 as bfloat16
from lamella_core.dtype import bool_ as bool
from lamella_core.dtype import (
    complex64,
    complex128,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from lamella_core.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from lamella_core.generator import *
from lamella_core.memory import keep_freed_memory
from lamella_core.ops.activation import *
from lamella_core.ops.added_products import *
from lamella_core.ops.arithmetic import *
from lamella_core.ops.arranging import *
from lamella_core.ops.chain import *
from lamella_core.ops.comparison import *
from lamella_core.ops.complex_parts import *
from lamella_core.ops.copying import *
from lamella_core.ops.creation import *
from lamella_core.ops.creation_data import *
from lamella_core.ops.creation_likes import *
from lamella_core.ops.cumulative import *
from lamella_core.ops.description import *
from lamella_core.ops.determinant import *
from lamella_core.ops.einsum import *
from lamella_core.ops.elementary import *
from lamella_core.ops.extrema import *
from lamella_core.ops.filling import *
from lamella_core.ops.gathering import *
from lamella_core.ops.indexing import *
from lamella_core.ops.joining import *
from lamella_core.ops.linalg import *
from lamella_core.ops.logical import *
from lamella_core.ops.matrix_functions import *
from lamella_core.ops.matrix_names import *
from lamella_core.ops.method_names import *
from lamella_core.ops.operators import *
from lamella_core.ops.random import *
from lamella_core.ops.random_inplace import *
from lamella_core.ops.reduction import *
from lamella_core.ops.rounding import *
from lamella_core.ops.scattering import *
from lamella_core.ops.sorting import *
from lamella_core.ops.special import *
from lamella_core.ops.splitting import *
from lamella_core.ops.statistics import *
from lamella_core.ops.view_copies import *
from lamella_core.ops.view_inplace import *
from lamella_core.ops.view_order import *
from lamella_core.ops.views import *
from lamella_core.printing import get_printoptions, set_printoptions
from lamella_core.serialization import load, save
from lamella_core.size import Size
from lamella_core.storage import Storage
from lamella_core.storage_types import *
from lamella_core.tensor import Tensor
from lamella_core.tensor_types import *
from lamella_core.threads import *
from lamella_core.type_info import finfo, iinfo

device = Device
newaxis = None
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128


def __getattr__(name: str) -> object:
    if name == "array_api":
        from lamella_core.extras import array_api

        return array_api()
    elsewhere = "corrcoef cov fft gradient histc histogram istft stft trapz".split()
    if name in elsewhere or name.endswith(("quantile", "_window", "trapezoid")):
        raise AttributeError(f"{name!r} is lamella_signal's; install lamella-signal")
    if name in {"cdist", "pdist"}:
        raise AttributeError(f"{name!r} is lamella_nn's; install lamella-nn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
