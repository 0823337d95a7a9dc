"""``cupy.ElementwiseKernel``, compiled for the CPU by the C compiler that is there."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}
# CUDA's functions that the C library lacks.
_FUNCTIONS = """
static void __sincosf(float x, float *s, float *c) { *s = sinf(x); *c = cosf(x); }
static void sincospi(double x, double *s, double *c) { *s = sin(M_PI * x); *c = cos(M_PI * x); }
#define __tanf tanf
"""


def compiler() -> str | None:
    """The path of a C compiler, or None."""
    return shutil.which(os.environ.get("CC", "cc"))


class ElementwiseKernel:
    """A loop over ``i`` in C; numbers in, one array out."""

    def __init__(
        self, in_params: str, out_params: str, operation: str, name: str, *, preamble: str = ""
    ) -> None:
        self._ins = [each.split() for each in in_params.split(",")]
        kind, out = out_params.split()
        arguments = ", ".join(f"{_TYPES[k]} {n}" for k, n in self._ins)
        source = (
            f"#include <math.h>\n#define __device__ static\n{_FUNCTIONS}{preamble}\n"
            f"void {name}({_TYPES[kind]} *results, unsigned long long count, {arguments}) {{\n"
            f"for (unsigned long long i = 0; i < count; i++) {{ {_TYPES[kind]} {out};\n"
            f"{operation}\nresults[i] = {out}; }} }}\n"
        )
        program = compiler()
        if program is None:
            raise RuntimeError("no C compiler found for the stand-in's ElementwiseKernel")
        folder = Path(tempfile.mkdtemp())
        (folder / "kernel.c").write_text(source)
        flags = ("-O1", "-shared", "-fPIC", "-o", str(folder / "kernel.so"))
        subprocess.run([program, *flags, str(folder / "kernel.c"), "-lm"], check=True)
        self._function = ctypes.CDLL(str(folder / "kernel.so"))[name]
        shutil.rmtree(folder)

    def __call__(self, *args: Any) -> Any:
        *numbers, out = args
        host = out._host
        assert host.flags.c_contiguous
        values = [ctypes.c_uint64(int(np.uint64(number))) for number in numbers]
        self._function(host.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(host.size), *values)
        return out
