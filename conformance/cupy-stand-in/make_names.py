"""Writes ``names.json``: what the CuPy that is installed has. It needs no GPU.

    python conformance/cupy-stand-in/make_names.py

Which element types a function's forms take is found by calling them: CuPy refuses a type with
TypeError or NotImplementedError before it asks for the device, whose lack is another error.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import cupy
import cupyx.scipy.special
import ml_dtypes
import numpy as np

TARGET = Path(__file__).parent / "src" / "lamella_cupy_stand_in" / "names.json"
TYPES = [np.dtype(c) for c in "?bBhHiIlLefdFD"] + [np.dtype(ml_dtypes.bfloat16)]


def parameters(function: Any) -> list[str] | None:
    """Names of the parameters, ``*`` and ``**`` before the collecting ones; None if not known."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [stars.get(each.kind, "") + each.name for each in found]


def array(dtype: np.dtype) -> Any:
    memory = np.zeros(16, np.complex128)
    owned = cupy.cuda.UnownedMemory(memory.ctypes.data, memory.nbytes, memory, 0)
    return cupy.ndarray((4,), dtype, cupy.cuda.MemoryPointer(owned, 0))


def takes(call: Any, *arguments: Any) -> bool:
    try:
        call(*arguments)
    except (TypeError, NotImplementedError):
        return False
    except Exception:
        # The device is not there: CuPy would have gone on.
        return True
    return True


def forms(ufunc: Any) -> dict[str, str]:
    """For each form of a function, the type characters that it takes."""
    found = {}
    for name in ("reduce", "accumulate", "reduceat", "at"):
        chars = ""
        for dtype in TYPES:
            values, places = array(dtype), array(np.dtype("l"))
            more = {"reduceat": (places,), "at": (places, values)}.get(name, ())
            if takes(getattr(ufunc, name), values, *more):
                chars += dtype.char
        if chars:
            found[name] = chars
    return found


def names_of(module: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if name.startswith("_") or inspect.ismodule(value):
            continue
        if isinstance(value, cupy.ufunc):
            found[name] = {"types": value.types, **(forms(value) if module is cupy else {})}
        elif callable(value) and not isinstance(value, type):
            found[name] = {"parameters": parameters(value)}
        else:
            found[name] = {}
    return found


def main() -> None:
    modules = {
        "cupy": cupy,
        "cupy.linalg": cupy.linalg,
        "cupy.fft": cupy.fft,
        "cupyx.scipy.special": cupyx.scipy.special,
    }
    facts = {
        "version": cupy.__version__,
        "array": sorted(name for name in dir(cupy.ndarray) if not name.startswith("_")),
        **{name: names_of(module) for name, module in modules.items()},
    }
    lines = [f'"{key}": {json.dumps(value, sort_keys=True)}' for key, value in facts.items()]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
