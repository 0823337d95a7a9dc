"""DLPack to and from NumPy, without a copy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import lamella_core as core
from lamella_core import dlpack


@pytest.mark.parametrize(
    "name",
    "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split(),
)
def test_numpy_takes_and_gives(name):
    tensor = core.tensor([[0, 1, 1], [1, 0, 0]]).to(getattr(core, name))
    array = np.from_dlpack(tensor.t())
    assert array.dtype == name and array.shape == (3, 2) and array.tolist() == tensor.t().tolist()
    assert array.__array_interface__["data"][0] == tensor.data_ptr()
    source = np.array([0, 1, 0], name)
    taken = core.from_dlpack(source)
    assert taken.dtype is tensor.dtype
    taken[0] = 1
    assert source.tolist() == [1, 1, 0]


@pytest.mark.parametrize("dtype", [core.float32, core.bfloat16])
@pytest.mark.parametrize("version", [None, (1, 0)])
def test_capsules(dtype, version):
    tensor = core.tensor([1.5, 2.0], dtype=dtype)
    taken = core.from_dlpack(tensor.__dlpack__(max_version=version))
    assert taken.dtype is dtype and taken.data_ptr() == tensor.data_ptr()
    taken[0] = 4
    assert tensor.tolist() == [4.0, 2.0]
    assert core.from_dlpack(dlpack.to_dlpack(tensor)).tolist() == [4.0, 2.0]


def test_memory_outlives_its_producer():
    taken = core.from_dlpack(core.arange(1000).__dlpack__())
    assert taken.sum().item() == 499500
    array = np.from_dlpack(core.arange(1000))
    assert array.sum() == 499500


def test_a_capsule_is_consumed_once():
    capsule = core.ones(1).__dlpack__()
    core.from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="consumed only once"):
        core.from_dlpack(capsule)
    with pytest.raises(RuntimeError, match="invalid capsule"):
        core.from_dlpack(3)


def test_copies_and_devices():
    tensor = core.ones(2)
    copied = core.from_dlpack(tensor, copy=True)
    assert copied.data_ptr() != tensor.data_ptr()
    assert core.from_dlpack(tensor.__dlpack__(copy=True)).data_ptr() != tensor.data_ptr()
    assert tensor.__dlpack_device__() == (1, 0)
    assert core.from_dlpack(tensor, device="cpu").data_ptr() == tensor.data_ptr()
    with pytest.raises(BufferError, match="DLPack device"):
        tensor.__dlpack__(dl_device=(2, 0))
    with pytest.raises(AssertionError, match=r"stream should be None on cpu\."):
        tensor.__dlpack__(stream=1)


def test_read_only_memory_is_warned_of():
    array = np.zeros(2)
    array.flags.writeable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        core.from_dlpack(array)
    assert any("not writable" in str(each.message) for each in caught)


def test_the_cuda_interface_is_not_the_cpus():
    assert not hasattr(core.ones(1), "__cuda_array_interface__")
    with pytest.raises(AttributeError, match=r"non-CUDA tensor type: torch\.FloatTensor"):
        _ = core.ones(1).__cuda_array_interface__
