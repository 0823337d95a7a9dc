"""A thousand mutated files: each loads or raises a clear error; none crashes, hangs or runs code.

The files are PyTorch's. Half of the mutations hit a file anywhere; the other half hit the pickle
inside, and the archive around it is made whole again, so that the checksums do not stop them. They
run in a process of their own, with bounded memory and time, and with a hook that ends it when
anything is executed, imported, written or started. Everything is seeded.
"""

from __future__ import annotations

import codecs
import io
import os
import pickle
import random
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

CASES = 1000
SECONDS = 300
GIGABYTES = 4

_FORBIDDEN = (
    "compile", "exec", "import", "os.", "shutil.", "socket.", "subprocess.", "code.__new__",
    "ctypes.", "pickle.find_class", "marshal.",
)  # fmt: skip
_CLEAR = (RuntimeError, pickle.UnpicklingError, EOFError)
_NUMBERS = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\xff\xff\xff\x7f", b"\xff" * 4, bytes(8))
_CODES = b"(.0123abcdeghjlopqrstuBCGIJKLMNPQRSTUVX}])" + bytes(range(0x80, 0x98))


@pytest.mark.parametrize("seed", [0, 1])
def test_mutated_files(seed: int, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    maker = Path(__file__).with_name("make_test_data.py")
    subprocess.run([sys.executable, maker, tmp_path], check=True, timeout=SECONDS)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, __file__, str(tmp_path), str(seed)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
    loaded, refused = map(int, ended.stdout.split()[-2:])
    assert loaded + refused == CASES // 2
    assert refused > CASES // 10


def _mutated(contents: bytes, rng: random.Random) -> bytes:
    changed = bytearray(contents)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(len(changed) + 1)
        kind = rng.randrange(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            number = rng.choice(_NUMBERS)
            changed[place : place + len(number)] = number
        elif kind == 2:
            changed[place : place + 1] = bytes((rng.choice(_CODES),))
        elif kind == 3:
            del changed[place : place + rng.randrange(1, 40)]
        elif kind == 4:
            start = rng.randrange(len(changed) + 1)
            changed[place:place] = changed[start : start + rng.randrange(1, 60)]
        elif kind == 5:
            changed[place:place] = bytes((rng.choice(_CODES),)) * rng.choice((1, 2, 100))
        elif rng.randrange(4) == 0:
            del changed[place:]
    return bytes(changed)


def _mutated_file(contents: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5 or not zipfile.is_zipfile(io.BytesIO(contents)):
        return _mutated(contents, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(contents)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            record = old.read(info)
            if info.filename.endswith("data.pkl"):
                record = _mutated(record, rng)
            new.writestr(info.filename, record)
    return out.getvalue()


def _run(folder: Path, seed: int) -> None:
    from lamella import load, load_backends

    warnings.simplefilter("ignore")
    originals = [path.read_bytes() for path in sorted(folder.glob("*.pt"))]
    for contents in originals:
        repr(load(io.BytesIO(contents)))
    rng = random.Random(seed)
    cases = [_mutated_file(rng.choice(originals), rng) for _ in range(CASES // 2)]
    # The backends that are installed, which an unknown device asks for, the codec of names in
    # archives, and what the first failure imports, are here beforehand.
    load_backends()
    codecs.lookup("cp437")
    for contents in (b"PK\x03\x04", b"x", cases[0]):
        try:
            load(io.BytesIO(contents))
        except _CLEAR:
            pass
    _bound_memory()
    watching = [False]

    def watch(event: str, arguments: tuple) -> None:
        if not watching[0]:
            return
        mode = arguments[1] if event == "open" else None
        wrote = isinstance(mode, str) and set(mode) & set("wax+")
        if wrote or event.startswith(_FORBIDDEN):
            os.write(2, f"the file made {event} happen: {arguments}\n".encode())
            os._exit(3)

    sys.addaudithook(watch)
    counts = [0, 0]
    for place, contents in enumerate(cases):
        watching[0] = True
        try:
            load(io.BytesIO(contents))
            counts[0] += 1
        except _CLEAR as error:
            assert str(error), place
            counts[1] += 1
        finally:
            watching[0] = False
    print(*counts)


def _bound_memory() -> None:
    try:
        import resource
    except ModuleNotFoundError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))


if __name__ == "__main__":
    _run(Path(sys.argv[1]), int(sys.argv[2]))
