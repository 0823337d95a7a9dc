"""A stream over tar shards by two workers, against plain reading of the same files.

The baseline framework has no such stream, so its figure is the time of a process that only reads
the files, one after another. Before each, the system is told to forget what it holds of them.

The memory that files are read into counts too: on a virtual machine, pages that lay idle come from
its host first, which can double the time of a round. So the files are also read and forgotten
before each round, after which both programs find the same pages.
"""

from __future__ import annotations

import io
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from measure import load, read_arguments, report

SHARDS = 4
SAMPLES = 640
SAMPLE_BYTES = 3 * 192 * 192
CHUNK = 1 << 20
ROUNDS = 15


def write_shards(folder: Path) -> list[Path]:
    """Archives of about 70 MB each, of bytes that stand for an image, and a label."""
    image = os.urandom(SAMPLE_BYTES)
    paths = []
    for shard in range(SHARDS):
        paths.append(folder / f"shard-{shard}.tar")
        with tarfile.open(paths[-1], "w") as archive:
            for number in range(SAMPLES):
                for name, data in (("bin", image), ("cls", b"%d" % number)):
                    member = tarfile.TarInfo(f"{shard}{number:06}.{name}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        with paths[-1].open("rb") as file:
            os.fsync(file.fileno())
    return paths


def forget(paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_plainly(paths: list[Path]) -> None:
    for path in paths:
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while file.read(CHUNK):
                pass


def stream_of(torch: ModuleType, paths: list[Path]) -> Callable[[], None]:
    """Reads an epoch, by workers that stay."""

    def image(data: bytes) -> object:
        return np.frombuffer(data, np.uint8).reshape(3, 192, 192)

    dataset = torch.utils.data.streaming.TarDataset(
        map(str, paths), decoders={"bin": image, "cls": int}
    )
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=64, num_workers=2, persistent_workers=True
    )

    def read() -> None:
        count = sum(len(batch["cls"]) for batch in loader)
        if count != SHARDS * SAMPLES:
            raise AssertionError(f"{count} samples came, of {SHARDS * SAMPLES}")

    read()
    return read


def median_seconds(paths: list[Path], work: Callable[[], None]) -> float:
    taken = []
    for _ in range(ROUNDS):
        forget(paths)
        read_plainly(paths)
        forget(paths)
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_shards(Path(folder))
        size = sum(path.stat().st_size for path in paths)
        if hasattr(torch.utils.data, "streaming"):
            seconds = median_seconds(paths, stream_of(torch, paths))
        else:
            seconds = median_seconds(paths, lambda: read_plainly(paths))
    report(seconds, "s", detail=f"{size / seconds / 1e6:.0f} MB/s")


if __name__ == "__main__":
    main()
