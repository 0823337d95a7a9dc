"""The generator's function in C, compiled for the CPU, against published vectors."""

import ctypes
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

COMPILER = shutil.which("cc")

# CUDA's own functions, which the C library lacks.
FAST = """
static void __sincosf(float x, float *s, float *c) { *s = sinf(x); *c = cosf(x); }
static void sincospi(double x, double *s, double *c) { *s = sin(M_PI * x); *c = cos(M_PI * x); }
#define __tanf tanf
"""

# Random123's kat_vectors, "philox4x32 10": counter, key, result.
VECTORS = [
    ("00000000 00000000 00000000 00000000", 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", 2**64 - 1, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        0x299F31D0A4093822,
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_known_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The source is a text; CuPy, which need not be installed here, is only asked for when it runs.
    if "cupy" not in sys.modules and importlib.util.find_spec("cupy") is None:
        monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    monkeypatch.delitem(sys.modules, "lamella_cuda_kernels.philox", raising=False)
    philox = importlib.import_module("lamella_cuda_kernels.philox")
    source = tmp_path / "philox.c"
    source.write_text(
        f"#include <math.h>\n#define __device__ static\n{FAST}{philox.SOURCE}\n"
        "void block(unsigned int *c, unsigned long long key) { philox4(c, key); }\n"
    )
    library = tmp_path / "philox.so"
    subprocess.run([COMPILER, "-w", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    block = ctypes.CDLL(str(library)).block
    for counter, key, expected in VECTORS:
        words = np.array([int(word, 16) for word in counter.split()], np.uint32)
        block(words.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(key))
        assert " ".join(f"{word:08x}" for word in words) == expected
