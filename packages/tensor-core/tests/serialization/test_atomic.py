"""A crash at any moment leaves the old file or the new one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lamella_core
from lamella_core.serialization import load, save
from lamella_core.serialization.atomic import replacing


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failure_of_the_system_keeps_the_old_file(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    save("old", path)

    def fail(*args: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(OSError, match="no space"):
            save("new", path)
    assert load(path) == "old"
    assert os.listdir(tmp_path) == ["a.pt"]


def test_an_object_that_cannot_be_pickled_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save("old", path)

    class Unpicklable:
        def __reduce__(self) -> tuple:
            raise Interrupted

    with pytest.raises(Interrupted):
        save([lamella_core.ones(3), Unpicklable()], path)
    assert load(path) == "old"
    assert os.listdir(tmp_path) == ["a.pt"]


_KILLED = """
import os, sys
from lamella_core.serialization import archive, save
import lamella_core
step = int(sys.argv[2])
write = archive.ArchiveWriter.write
def killed(self, name, contents):
    global step
    if not step:
        os._exit(9)
    step -= 1
    write(self, name, contents)
archive.ArchiveWriter.write = killed
save({"a": lamella_core.ones(100000), "b": lamella_core.ones(7)}, sys.argv[1])
"""


@pytest.mark.parametrize("step", [0, 1, 4, 5, 6])
def test_a_process_that_dies_between_records(step: int, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save("old", path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path), str(step)], env=environment)
    assert ended.returncode == 9
    assert load(path) == "old"
    save("new", path)
    assert load(path) == "new"


def test_large_files_are_whole_though_flushed_on_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    pieces = [bytes([number]) * ((1 << 19) + number) for number in range(20)]
    with replacing(str(path)) as file:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        file.write(b"head")
    expected = b"".join(pieces)
    assert path.read_bytes() == b"head" + expected[4:]


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are POSIX's")
def test_what_is_no_regular_file_is_written_to(tmp_path: Path) -> None:
    with replacing(os.devnull) as file:
        file.write(b"x")
    assert not os.path.isfile(os.devnull)
