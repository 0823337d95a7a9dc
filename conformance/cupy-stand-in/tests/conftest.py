"""Puts the stand-in in CuPy's place before lamella is imported."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import lamella_cuda_kernels
import lamella_cupy_stand_in

lamella_cupy_stand_in.install()
lamella_cuda_kernels.load()
