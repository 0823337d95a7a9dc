"""``torch.cuda``: devices, streams, events, memory and random numbers on CUDA, by CuPy.

Without CuPy or a device ``is_available()`` is False, counts are 0, and what needs a device raises
an error that says what to install.
"""

from __future__ import annotations

from lamella.cuda import memory, nvtx, random, streams
from lamella.cuda.devices import *
from lamella.cuda.memory import *
from lamella.cuda.random import *
from lamella.cuda.streams import *
from lamella_core.backend import OutOfMemoryError as OutOfMemoryError
from lamella_core.tensor_types import CUDA_TYPES

globals().update(CUDA_TYPES)
