"""Typed storages. The values, texts and exception types are those PyTorch 2.13 gave on the CPU."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamella_core as core

# class name -> element size, and what the elements [0, 1, 2] read back as
KINDS = {
    "Bool": (1, [False, True, True]),
    "Byte": (1, [0, 1, 2]),
    "Char": (1, [0, 1, 2]),
    "Short": (2, [0, 1, 2]),
    "Int": (4, [0, 1, 2]),
    "Long": (8, [0, 1, 2]),
    "Half": (2, [0.0, 1.0, 2.0]),
    "BFloat16": (2, [0.0, 1.0, 2.0]),
    "Float": (4, [0.0, 1.0, 2.0]),
    "Double": (8, [0.0, 1.0, 2.0]),
    "ComplexFloat": (8, [0j, 1 + 0j, 2 + 0j]),
    "ComplexDouble": (16, [0j, 1 + 0j, 2 + 0j]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_class_holds_its_elements(kind):
    itemsize, values = KINDS[kind]
    cls = getattr(core, f"{kind}Storage")
    storage = cls([0, 1, 2])
    assert storage.tolist() == list(storage) == values
    assert [type(v) for v in storage] == [type(v) for v in values]
    assert (len(storage), storage.size(), storage.nbytes()) == (3, 3, 3 * itemsize)
    assert storage.element_size() == itemsize
    assert storage.dtype is cls.dtype
    assert storage.type() == f"torch.{kind}Storage"
    assert storage.pickle_storage_type() == f"{kind}Storage"
    assert isinstance(storage, cls) and isinstance(storage, core.TypedStorage)
    assert type(storage) is core.TypedStorage
    assert not isinstance(storage, core.FloatStorage if kind != "Float" else core.IntStorage)
    again = pickle.loads(pickle.dumps(storage))
    assert again.tolist() == values and again.dtype is storage.dtype


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("bool", [True, True]), ("byte", [1, 2]), ("char", [1, 2]), ("short", [1, 2]),
        ("int", [1, 2]), ("long", [1, 2]), ("half", [1.5, 2.0]), ("bfloat16", [1.5, 2.0]),
        ("float", [1.5, 2.0]), ("double", [1.5, 2.0]), ("complex_float", [1.5 + 0j, 2 + 0j]),
        ("complex_double", [1.5 + 0j, 2 + 0j]),
    ],
)  # fmt: skip
def test_conversions(method, expected):
    storage = core.FloatStorage([1.5, 2])
    converted = getattr(storage, method)()
    assert converted.tolist() == expected
    assert (converted is storage) == (method == "float")
    converted[0] = 0
    assert storage[0] == (0 if method == "float" else 1.5)


def test_type_converts_by_class_name_or_dtype():
    storage = core.FloatStorage([1, 2])
    for target in (core.DoubleStorage, "torch.DoubleStorage", core.float64):
        assert storage.type(target).type() == "torch.DoubleStorage"
    with pytest.raises(ValueError, match="invalid storage type"):
        storage.type("torch.NoStorage")


def test_construction():
    assert core.FloatStorage().tolist() == [] and core.FloatStorage(3).size() == 3
    assert core.IntStorage([1.7, -1.7]).tolist() == [1, -1]
    assert core.TypedStorage([1, 2]).dtype is core.float32
    assert core.TypedStorage(3, dtype=core.int8).type() == "torch.CharStorage"
    block = core.UntypedStorage(8)
    storage = core.FloatStorage(wrap_storage=block)
    assert storage.size() == 2 and storage.untyped() is block
    assert core.FloatStorage(wrap_storage=core.UntypedStorage(7)).size() == 1
    assert storage.new().size() == 0 and storage.new([3]).tolist() == [3.0]


@pytest.mark.parametrize(
    ("argument", "error"),
    [("a", TypeError), (2.5, TypeError), (core.UntypedStorage(8), TypeError)],
)
def test_construction_from_something_else(argument, error):
    with pytest.raises(error, match="FloatStorage"):
        core.FloatStorage(argument)
    with pytest.raises(RuntimeError, match="2 positional arguments"):
        core.FloatStorage(1, 2)


def test_elements():
    storage = core.IntStorage([1, 2, 3])
    assert (storage[0], storage[-1]) == (1, 3)
    storage[1] = 9
    storage[:1] = 4
    assert storage.tolist() == [4, 9, 3]
    assert storage.fill_(5).tolist() == [5, 5, 5]
    with pytest.raises(IndexError, match="index 5 out of range for storage of size 3"):
        storage[5]
    with pytest.raises(RuntimeError, match="slices are only supported in UntypedStorage"):
        storage[1:]
    with pytest.raises(RuntimeError, match="can't index"):
        storage["a"]


def test_copy_takes_bytes_over_unconverted():
    storage = core.FloatStorage([1, 2]).copy_(core.IntStorage([0x3F800000, 0x40400000]))
    assert storage.tolist() == [1.0, 3.0]
    with pytest.raises(RuntimeError, match="self was 8 bytes but src was 12 bytes"):
        storage.copy_(core.IntStorage(3))


def test_clone_and_copies():
    storage = core.FloatStorage([1, 2])
    for other in (storage.clone(), copy.copy(storage), copy.deepcopy(storage)):
        other[0] = 7
        assert storage.tolist() == [1.0, 2.0]
    assert storage.cpu() is storage


def test_resize_keeps_contents_and_moves_the_tensors():
    tensor = core.tensor([1.0, 2.0, 3.0])
    view = tensor[1:]
    storage = tensor.storage()
    storage.resize_(5)
    assert storage.size() == 5 and storage.tolist()[:3] == [1.0, 2.0, 3.0]
    storage[1] = 8
    assert tensor.tolist() == [1.0, 8.0, 3.0] and view.tolist() == [8.0, 3.0]
    storage.resize_(1)
    assert storage.tolist() == [1.0]


def test_from_buffer():
    ones = b"\0\0\x80\x3f"
    assert core.FloatStorage.from_buffer(ones * 2, "little").tolist() == [1.0, 1.0]
    assert core.FloatStorage.from_buffer(ones[::-1], "big").tolist() == [1.0]
    part = core.FloatStorage.from_buffer(ones * 3, byte_order="little", count=1, offset=4)
    assert part.tolist() == [1.0]
    assert core.ByteStorage.from_buffer(b"abc").tolist() == [97, 98, 99]
    assert core.BoolStorage.from_buffer(b"\0\1\2", "native").tolist() == [False, True, True]
    assert core.UntypedStorage.from_buffer(b"abc", dtype=core.uint8).tolist() == [97, 98, 99]
    values = np.array([1 + 2j], np.complex64)
    swapped = values.astype(">c8").tobytes()
    assert core.ComplexFloatStorage.from_buffer(swapped, "big").tolist() == [1 + 2j]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((b"\0" * 8,), RuntimeError),
        ((b"\0" * 7, "little"), ValueError),
        ((b"\0" * 8, "middle"), ValueError),
        ((b"\0" * 8, "little", 3), ValueError),
        ((b"\0" * 8, "little", -1, 9), ValueError),
    ],
)
def test_from_buffer_refuses(arguments, error):
    with pytest.raises(error):
        core.FloatStorage.from_buffer(*arguments)


def test_a_shared_file_is_written_to(tmp_path):
    path = tmp_path / "numbers"
    storage = core.FloatStorage.from_file(str(path), True, 4)
    assert storage.tolist() == [0.0] * 4 and storage.is_shared()
    assert storage.filename == str(path)
    storage.fill_(2)
    assert np.fromfile(path, np.float32).tolist() == [2.0] * 4
    tensor = core.from_file(str(path), shared=True, size=3)
    tensor[0] = 5
    assert storage[0] == 5.0
    core.UntypedStorage.from_file(str(path), True, 24)
    assert path.stat().st_size == 24
    with pytest.raises(RuntimeError, match="not resizable"):
        storage.resize_(8)


def test_a_private_file_is_not(tmp_path):
    path = tmp_path / "numbers"
    np.ones(2, np.float32).tofile(path)
    storage = core.FloatStorage.from_file(str(path), False, 2)
    storage.fill_(7)
    assert storage.tolist() == [7.0, 7.0] and storage.filename is None
    assert np.fromfile(path, np.float32).tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="size <8> is smaller than the required mapping size"):
        core.FloatStorage.from_file(str(path), False, 3)
    with pytest.raises(RuntimeError, match="unable to open file"):
        core.FloatStorage.from_file(str(tmp_path / "none"), False, 3)


def test_the_storage_of_a_tensor():
    tensor = core.arange(4)[1:]
    storage = tensor.storage()
    assert storage.type() == "torch.LongStorage" and storage.tolist() == [0, 1, 2, 3]
    storage[1] = 9
    assert tensor.tolist() == [9, 2, 3]
    assert storage.data_ptr() == tensor.untyped_storage().data_ptr()


def test_repr():
    assert repr(core.FloatStorage([1, 2])) == (
        " 1.0\n 2.0\n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 2]"
    )
    assert repr(core.UntypedStorage([1, 2])) == (
        " 1\n 2\n[torch.storage.UntypedStorage(device=cpu) of size 2]"
    )
    assert repr(core.FloatStorage()) == (
        " \n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 0]"
    )


def test_pinned_memory_needs_cuda():
    storage = core.FloatStorage([1, 2])
    assert not storage.is_pinned() and not core.ones(1).is_pinned()
    core.load_backends()
    if "cuda" in core.backends:
        pytest.skip("there is a CUDA device")
    for value in (storage, storage.untyped(), core.ones(2)):
        with pytest.raises(RuntimeError, match="Cannot access accelerator device"):
            value.pin_memory()
    with pytest.raises(RuntimeError, match="cuda"):
        storage.cuda()


def test_is_storage():
    assert core.is_storage(core.FloatStorage(1)) and core.is_storage(core.UntypedStorage(1))
    assert not core.is_storage(core.ones(1))


def test_untyped_storages():
    storage = core.UntypedStorage([1, 2, 300])
    assert storage.tolist() == [1, 2, 44] and storage.element_size() == 1
    assert storage[1] == 2 and storage[0:2].tolist() == [1, 2]
    storage[0:2][0] = 9
    storage[-1] = 7
    assert storage.tolist() == [9, 2, 7]
    assert storage.float().tolist() == [9.0, 2.0, 7.0]
    assert storage.clone().fill_(3).tolist() == [3, 3, 3]
    assert storage.resize_(4).size() == 4 and storage.tolist()[:3] == [9, 2, 7]
    assert storage.type() == "torch.storage.UntypedStorage"
    assert core.UntypedStorage(4).size() == 4 and storage.new().size() == 0
    assert pickle.loads(pickle.dumps(core.UntypedStorage([1, 2]))).tolist() == [1, 2]
    pair = core.UntypedStorage([1, 2, 3, 4])
    pair.byteswap(core.int16)
    assert pair.tolist() == [2, 1, 4, 3]


def test_untyped_storages_refuse():
    storage = core.UntypedStorage([1, 2, 3])
    with pytest.raises(IndexError, match="index 7 out of range for storage of size 3"):
        storage[7]
    with pytest.raises(RuntimeError, match="self was 3 bytes but src was 2 bytes"):
        storage.copy_(core.UntypedStorage(2))
    with pytest.raises(RuntimeError, match="not a multiple of 2"):
        storage.byteswap(core.int16)
    with pytest.raises(RuntimeError, match="Expected a sequence type, but got float"):
        core.UntypedStorage(2.5)
    with pytest.raises(RuntimeError, match="was of type str instead of int"):
        core.UntypedStorage("a")
    with pytest.raises(RuntimeError, match="got bool"):
        core.UntypedStorage(True)
    with pytest.raises(TypeError, match="with bool"):
        storage[True]
    with pytest.raises(TypeError, match="expects a storage, but got list"):
        storage.copy_([1, 2, 3])
    for value in (1.5, "a", [1, 2]):
        with pytest.raises(RuntimeError, match="takes bytes as int, but got"):
            storage[0:2] = value
    with pytest.raises(RuntimeError, match="step of 2"):
        storage[::2] = 1
    for size in (-1, 2.5):
        with pytest.raises(RuntimeError, match="an int of at least 0"):
            storage.resize_(size)
    assert storage.tolist() == [1, 2, 3]
    with pytest.raises(RuntimeError, match="'dtype' cannot be None"):
        core.UntypedStorage.from_buffer(b"abcd")
    with pytest.raises(RuntimeError, match="the class has a dtype"):
        core.FloatStorage.from_buffer(b"abcd", "little", dtype=core.int16)
    assert core.TypedStorage.from_buffer(bytes(8), "little").dtype is core.float32


def test_a_mapped_file_may_require_grad(tmp_path):
    path = str(tmp_path / "numbers")
    x = core.from_file(path, True, 2, dtype=core.float64, pin_memory=False)
    x[1] = 3
    assert np.fromfile(path).tolist() == [0.0, 3.0]
    with pytest.raises(RuntimeError, match="expected 0 or more"):
        core.from_file(path, True, -3)


def test_a_tensor_is_set_over_a_typed_storage() -> None:
    storage = core.FloatStorage([1, 2, 3, 4])
    x = core.ones(3).set_(storage, 1, (3,), (1,))
    assert x.tolist() == [2, 3, 4]
    storage[2] = 9
    assert x.tolist() == [2, 9, 4]
    with pytest.raises(RuntimeError, match="Expected a Storage of type Float.*got type Int"):
        core.ones(3).set_(core.IntStorage([1, 2, 3]))
    storage = core.FloatStorage([1, 2])
    x = core.ones(3).set_(storage, 1, (3,), (1,))
    assert x[0] == 2 and storage.size() == 4
    storage[1] = 7
    assert x[0] == 7
    for place in ((-1, (2,)), (0, (2, -1))):
        with pytest.raises(RuntimeError, match="invalid storage offset"):
            core.ones(3).set_(storage, *place)
    with pytest.raises(TypeError, match="a tensor or a storage, got int"):
        core.ones(3).set_(3)
