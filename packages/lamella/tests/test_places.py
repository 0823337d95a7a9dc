"""Modules of PyTorch's layout that hold other modules' names, or facts."""

from __future__ import annotations

import os
import typing

import numpy as np
import pytest

import lamella


def test_types() -> None:
    from lamella.types import Device, FileLike, Number, Storage, _dtype, _size

    assert set(typing.get_args(Number)) == {int, float, bool}
    assert lamella.device in typing.get_args(Device) and str in typing.get_args(Device)
    assert os.PathLike[str] in typing.get_args(FileLike)
    assert isinstance(lamella.ones(2).untyped_storage(), Storage)
    assert _dtype is lamella.dtype and isinstance(lamella.ones(2).shape, _size)


def test_storage() -> None:
    from lamella.storage import TypedStorage, UntypedStorage

    assert isinstance(lamella.FloatStorage(3), TypedStorage)
    assert UntypedStorage is lamella.UntypedStorage


def test_functional() -> None:
    import lamella.functional as functional

    assert functional.einsum is lamella.einsum and functional.cdist is lamella.cdist
    assert all(callable(getattr(functional, name)) for name in functional.__all__)


def test_the_processor() -> None:
    assert lamella.cpu.is_available() and lamella.cpu.device_count() == 1
    assert lamella.device(lamella.cpu.current_device()) == lamella.ones(1).device
    assert lamella.cpu.synchronize() is None
    lamella.cpu.set_device("cpu")
    with pytest.raises(ValueError, match="expected a CPU device, got 'cuda'"):
        lamella.cpu.set_device("cuda")
    assert set(lamella.cpu.get_capabilities()) == {"avx2", "avx512_f"}


def test_what_computes_here() -> None:
    assert f"numpy {np.__version__}" in lamella.__config__.show()
    assert f"torch.get_num_threads() : {lamella.get_num_threads()}" in (
        lamella.__config__.parallel_info()
    )
