"""Pickles that were made to harm: each is refused, and nothing of it runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytest

import lamella_core
from lamella_core.serialization import load, safe_globals, save
from lamella_core.serialization.archive import ArchiveWriter
from lamella_core.serialization.restricted import RestrictedUnpickler


def file_of(contents: bytes) -> io.BytesIO:
    """A file whose pickle is ``contents``."""
    out = io.BytesIO()
    archive = ArchiveWriter(out, "archive")
    archive.write("data.pkl", contents)
    archive.write("data/0", b"\0" * 32)
    archive.close()
    out.seek(0)
    return out


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: object, *args: object) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "call",
    [
        (os.system, "touch {}"),
        (subprocess.check_output, ["touch", "{}"]),
        (eval, "open('{}', 'w')"),
        (exec, "open('{}', 'w')"),
        (open, "{}", "w"),
        (__import__, "os"),
        (getattr, "x", "upper"),
        (os.mkdir, "{}"),
        (bytes, 10**15),
        (pickle.loads, b"N."),
    ],
    ids=lambda call: call[0].__name__,
)
def test_no_call_is_made(call: tuple, protocol: int, tmp_path: Path) -> None:
    target = tmp_path / "was_here"
    function, *args = call
    args = [a.format(target) if isinstance(a, str) else a for a in args]
    args = [[b.format(target) for b in a] if isinstance(a, list) else a for a in args]
    contents = pickle.dumps({"a": Calls(function, *args)}, protocol)
    with pytest.raises(UnpicklingError, match="Weights only load failed"):
        load(file_of(contents))
    assert not target.exists()


def test_the_message_names_the_global_and_the_ways_out() -> None:
    with pytest.raises(UnpicklingError) as caught:
        load(file_of(pickle.dumps(Calls(os.system, "true"), 2)))
    text = str(caught.value)
    assert "Unsupported global: GLOBAL posix.system" in text or "nt.system" in text
    assert "torch.serialization.add_safe_globals([" in text
    assert "weights_only=False" in text


def glob(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


REBUILD = glob("torch._utils", "_rebuild_tensor_v2")
FLOATS = glob("torch", "FloatStorage")


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def storage(count: int, key: str = "0", kind: bytes = FLOATS) -> bytes:
    return b"(" + text("storage") + kind + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(
    count: int = 8, offset: int = 0, size: tuple = (8,), stride: tuple = (1,), key: str = "0"
) -> bytes:
    def numbers(values: tuple) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    arguments = storage(count, key) + number(offset) + numbers(size) + numbers(stride) + b"\x89N"
    return b"\x80\x02" + REBUILD + b"(" + arguments + b"tR."


def test_the_pickle_made_by_hand_loads() -> None:
    assert load(file_of(tensor())).tolist() == [0.0] * 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 9},
        {"count": 2**40},
        {"count": -1},
        {"count": 7},
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**64},
        {"size": (9,)},
        {"size": (-1,)},
        {"size": (2**62,)},
        {"size": (2, 4)},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"size": (2**40, 2**40), "stride": (0, 0)},
        {"size": (1,) * 70, "stride": (0,) * 70},
        {"key": "../0"},
        {"key": "1"},
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}])
def test_sizes_that_lie(peak: Any, wrong: dict, options: dict, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(file_of(tensor(**wrong)).getvalue())
    with peak:
        with pytest.raises((RuntimeError, UnpicklingError)):
            load(path, **options)
    assert peak.most < 4 << 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b".",
        b"N",
        b"(.",
        b"t.",
        b"R.",
        b"NN.",
        b"h\x05.",
        b"r\xff\xff\xff\xff.",
        b"Nr\xff\xff\xff\x7f",
        b"X\xff\xff\xff\xff",
        b"\x8e" + b"\xff" * 7 + b"\x0f",
        b"\x96" + b"\xff" * 8,
        b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff",
        b"X\x01\x00\x00\x00\xff.",
        b"NNs.",
        b"}]Ns.",
        b"NNa.",
        b"](Nu.",
        b"}(Nu.",
        b"NN\x81.",
        b"NNb.",
        b"NQ.",
        b"cos\nsystem",
        b"c" + b"x" * 5000 + b"\n\n.",
        b"ios\nsystem\n.",
        b"(cos\nsystem\no.",
        b"\x82\x01.",
        b"P0\n.",
        b"I1\n.",
        b"\x98.",
        b"q",
        b"Kx\x80\x09.",
    ],
    ids=repr,
)
def test_what_is_no_pickle_of_weights(body: bytes) -> None:
    with pytest.raises(UnpicklingError, match="Weights only load failed"):
        RestrictedUnpickler(b"\x80\x02" + body).load()


def test_calls_of_what_may_be_named_are_held_to_what_pickles_need() -> None:
    for body in (
        glob("builtins", "bytearray") + number(2**40) + b"\x85R",
        glob("builtins", "bytes") + number(2**40) + b"\x85R",
        glob("builtins", "set") + b"]" + b"]" + b"a\x85R",
        glob("_codecs", "encode") + text("a") + text("zlib") + b"\x86R",
        glob("builtins", "complex") + text("1") + b"\x85R",
        glob("torch", "Tensor") + b")R",
        glob("torch", "Tensor") + b")\x81",
        glob("torch", "FloatStorage") + number(2**40) + b"\x85R",
        glob("torch", "float32") + b")R",
        glob("torch", "device") + text("no such:thing:1") + b"\x85R",
        glob("torch", "device") + number(0) + number(1) + number(1) + b"\x87R",
        glob("torch.serialization", "_get_layout") + text("torch.sparse_csr") + b"\x85R",
        glob("torch", "Size") + text("ab") + b"\x85R",
        glob("torch._tensor", "_rebuild_from_type_v2")
        + b"("
        + glob("builtins", "set")
        + glob("torch", "Tensor")
        + b")}tR",
        glob("torch._utils", "_rebuild_parameter") + b"N\x89N\x87R",
        glob("torch._utils", "_rebuild_tensor") + b"(NNNNtR",
    ):
        with pytest.raises((UnpicklingError, RuntimeError)):
            load(file_of(b"\x80\x02" + body + b"."))


def test_nothing_shared_is_changed() -> None:
    attribute = b"}" + text("__defaults__") + b")s"
    for body in (
        REBUILD + attribute + b"b",
        REBUILD + b"N" + attribute + b"\x86b",
        glob("torch", "device") + b"N" + attribute + b"\x86b",
        glob("torch", "float32") + b"N}" + text("itemsize") + b"K\x01s\x86b",
        glob("collections", "OrderedDict") + b")R}" + text("items") + b"Nsb",
        glob("collections", "OrderedDict") + b")R}" + text("__class__") + b"Nsb",
        glob("collections", "OrderedDict") + b")R}K\x01Nsb",
    ):
        with pytest.raises((UnpicklingError, RuntimeError)):
            load(file_of(b"\x80\x02" + body + b"."))
    assert load(file_of(tensor())).tolist() == [0.0] * 8


_DEEP = """
import io, sys
sys.path.insert(0, sys.argv[1])
from lamella_core.serialization.restricted import RestrictedUnpickler
from pickle import UnpicklingError
deep = b"\\x80\\x02})" + b"\\x85" * 1_000_000 + b"Ns."
wide = b"\\x80\\x02})" + b"q\\x00h\\x00\\x86" * 60 + b"Ns."
for body in (deep, wide, wide.replace(b"}", b"\\x8f(", 1).replace(b"Ns.", b"\\x90."),
             deep.replace(b"}", b"(", 1).replace(b"Ns.", b"\\x91.")):
    try:
        RestrictedUnpickler(body).load()
    except UnpicklingError as error:
        assert "parts as a key" in str(error), error
    else:
        raise SystemExit(1)
nested = RestrictedUnpickler(b"\\x80\\x02" + b"]" * 100_000 + b"a" * 99_999 + b".").load()
del nested
"""


def test_deep_and_wide_keys_neither_crash_nor_hang() -> None:
    source = str(Path(lamella_core.__file__).parents[1])
    ended = subprocess.run([sys.executable, "-c", _DEEP, source], timeout=60)
    assert ended.returncode == 0


class Allowed:
    def __init__(self, value: int = 0) -> None:
        self.value = value


class Stateful:
    def __setstate__(self, state: object) -> None:
        self.state = state

    def __getstate__(self) -> object:
        return "kept"


class Rows(list):
    pass


def test_classes_that_the_user_allows() -> None:
    out = io.BytesIO()
    save({"a": Allowed(3), "b": Stateful(), "c": Rows([1, 2])}, out)
    with pytest.raises(UnpicklingError, match="Allowed"):
        load(io.BytesIO(out.getvalue()))
    with safe_globals([Allowed, Stateful, Rows]):
        read = load(io.BytesIO(out.getvalue()))
    assert (read["a"].value, read["b"].state, read["c"]) == (3, "kept", [1, 2])
    assert type(read["c"]) is Rows
