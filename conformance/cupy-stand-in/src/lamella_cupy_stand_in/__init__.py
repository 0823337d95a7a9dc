"""Stands in for CuPy where there is no GPU, so that lamella's CUDA backend runs over it.

    from lamella_cupy_stand_in import install

    install()          # before lamella first asks for CUDA
    torch.ones(3, device="cuda")

It is no GPU: NumPy computes, and nothing is shown about CUDA's numbers or speed. It shows that the
backend and the kernels use only what CuPy has, in the way that CuPy takes it: ``names.json`` holds
the names, parameters and element types of one version (``VERSION``), read from CuPy itself.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from lamella_cupy_stand_in import cublas
from lamella_cupy_stand_in.arrays import check, device_side, host_side, ndarray
from lamella_cupy_stand_in.kernels import ElementwiseKernel, RawKernel
from lamella_cupy_stand_in.names import BFLOAT16, FACTS, Names

VERSION = FACTS["version"]
_linalg_raises = [False]


class _Device:
    """``cupy.cuda.Device``: the one device."""

    attributes = {"MultiProcessorCount": 132, "MaxThreadsPerMultiProcessor": 2048}

    def __init__(self, id: int | None = None) -> None:
        if id not in (None, 0):
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = 0

    def __enter__(self) -> _Device:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def use(self) -> None:
        pass

    def synchronize(self) -> None:
        pass


class _Errstate:
    """``cupyx.errstate``, for what it says about failed factorizations."""

    def __init__(self, *, linalg: str | None = None) -> None:
        self._raises = linalg == "raise"

    def __enter__(self) -> None:
        self._before = _linalg_raises[0]
        _linalg_raises[0] = self._raises

    def __exit__(self, *exc: object) -> None:
        _linalg_raises[0] = self._before


class _Linalg:
    """NumPy's, where a factorization that fails gives rubbish unless errors were asked for."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(np.linalg, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = function(*args, **kwargs)
            except np.linalg.LinAlgError:
                if _linalg_raises[0]:
                    raise
                return np.full(args[-1].shape, np.nan, args[-1].dtype)
            return tuple(result) if isinstance(result, tuple) else result

        return call


def _asarray(a: Any, dtype: Any = None, order: Any = None, *, blocking: bool = False) -> Any:
    if isinstance(a, ndarray) and (dtype is None or a.dtype == dtype):
        return a
    return _array(a, dtype, order=order or "K")


def _array(obj: Any, dtype: Any = None, copy: bool = True, order: str = "K") -> Any:
    if order == "K" and isinstance(obj, np.ndarray):
        # What comes from the host is row-major on the device, or column-major.
        order = "F" if obj.flags.fnc else "C"
    return device_side(np.array(host_side(obj), dtype, order=order))


def _asnumpy(a: Any, out: Any = None, blocking: bool = True) -> np.ndarray:
    if out is None:
        return a.get()
    out[...] = a._host
    return out


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    mask = True if where is None else host_side(check(where))
    np.copyto(dst._host, host_side(check(src)), casting=casting, where=mask)


def _plain(value: Any) -> Any:
    """bfloat16 becomes float32 in CuPy's ``where``, ``tril`` and ``triu``."""
    value = host_side(check(value))
    return value.astype("f") if getattr(value, "dtype", None) == BFLOAT16 else value


def _where(condition: Any, *choices: Any) -> Any:
    return device_side(np.where(host_side(check(condition)), *(_plain(each) for each in choices)))


def _as_strided(x: Any, shape: Any = None, strides: Any = None) -> Any:
    return device_side(np.lib.stride_tricks.as_strided(x._host, shape, strides))


def _device_memory() -> Any:
    runtime = SimpleNamespace(
        getDeviceCount=lambda: 1, getDevice=lambda: 0, CUDARuntimeError=RuntimeError
    )
    return SimpleNamespace(
        Device=_Device,
        memory=SimpleNamespace(OutOfMemoryError=MemoryError),
        get_allocator=lambda: None,
        set_allocator=lambda allocator: None,
        runtime=runtime,
        alloc_pinned_memory=bytearray,
        device=SimpleNamespace(get_cublas_handle=int),
    )


class _Module(ModuleType):
    """A module whose names are those of a :class:`Names`."""

    def __init__(self, name: str, names: Names) -> None:
        super().__init__(name)
        self.names = names

    def __getattr__(self, name: str) -> Any:
        return getattr(self.names, name)


def install() -> None:
    """Puts the stand-in where ``import cupy`` and ``import cupyx`` find it."""
    cupy = Names(
        "cupy",
        np,
        ndarray=ndarray,
        array=_array,
        asarray=_asarray,
        asnumpy=_asnumpy,
        copyto=_copyto,
        broadcast=lambda *arrays: np.broadcast(*(host_side(check(each)) for each in arrays)),
        where=_where,
        tril=lambda m, k=0: device_side(np.tril(_plain(m), k)),
        triu=lambda m, k=0: device_side(np.triu(_plain(m), k)),
        linalg=Names("cupy.linalg", _Linalg()),
        fft=Names("cupy.fft", np.fft),
        cuda=_device_memory(),
        get_default_memory_pool=lambda: SimpleNamespace(used_bytes=int),
        lib=SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided)),
        ElementwiseKernel=ElementwiseKernel,
        RawKernel=RawKernel,
        __version__=VERSION,
    )
    import scipy.special

    modules = {
        "cupy": _Module("cupy", cupy),
        "cupyx": ModuleType("cupyx"),
        "cupyx.scipy": ModuleType("cupyx.scipy"),
        "cupyx.scipy.special": _Module(
            "cupyx.scipy.special", Names("cupyx.scipy.special", scipy.special)
        ),
    }
    for name in ("cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        modules[name] = ModuleType(name)
    modules["cupy_backends.cuda.libs"].cublas = cublas  # type: ignore[attr-defined]
    modules["cupyx"].errstate = _Errstate  # type: ignore[attr-defined]
    modules["cupyx"].scipy = modules["cupyx.scipy"]  # type: ignore[attr-defined]
    modules["cupyx.scipy"].special = modules["cupyx.scipy.special"]  # type: ignore[attr-defined]
    sys.modules.update(modules)
