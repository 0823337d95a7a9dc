"""Shards as files: names with braces and stars, local files and other filesystems, and retries."""

from __future__ import annotations

import glob
import io
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What no second attempt mends.
_PERMANENT = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
    ImportError,
    TypeError,
    AttributeError,
    ValueError,
    MemoryError,
)
# Of a local file. What is larger is read past it, without a copy.
_BUFFER = 1 << 16
_CHUNK = 1 << 20
Urls = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def split_protocol(url: str) -> tuple[str, str]:
    """``("https", "host/name")`` of ``"https://host/name"``; the protocol is "" for a path."""
    protocol, separator, path = url.partition("://")
    if not separator:
        return "", url
    return ("", path) if protocol == "file" else (protocol, path)


def filesystem_of(url: str, storage_options: Mapping[str, Any]) -> tuple[Any, str]:
    """fsspec's filesystem for ``url``, which may be a chain, and the path in it."""
    try:
        import fsspec.core
    except ImportError as error:
        raise ImportError(
            f"reading {url} needs fsspec, which is not installed: "
            "pip install 'lamella-data[streaming]'. Local paths are read without it."
        ) from error
    return fsspec.core.url_to_fs(url, **storage_options)


def expand(urls: Urls, storage_options: Mapping[str, Any]) -> list[str]:
    """The shards that are meant: ``{000..012}`` and ``{a,b}`` are spelled out, and ``*``, ``?``
    and ``[...]`` are matched with the files that are there, in sorted order."""
    patterns = [urls] if isinstance(urls, (str, os.PathLike)) else list(urls)
    shards: list[str] = []
    for pattern in patterns:
        for url in _spell_out(os.fspath(pattern)):
            if any(character in split_protocol(url)[1] for character in "*?["):
                shards += _matches(url, storage_options)
            else:
                shards.append(url)
    return shards


def _matches(url: str, storage_options: Mapping[str, Any]) -> list[str]:
    protocol, path = split_protocol(url)
    if not protocol:
        found = sorted(glob.glob(path))
    else:
        filesystem, path = filesystem_of(url, storage_options)
        chain = url.rpartition("::")[0] + "::" if "::" in url else ""
        found = sorted(chain + filesystem.unstrip_protocol(one) for one in filesystem.glob(path))
    if not found:
        raise FileNotFoundError(f"no shard matches {url}")
    return found


def _spell_out(pattern: str) -> Iterator[str]:
    before, brace, rest = pattern.partition("{")
    inside, closed, after = rest.partition("}")
    if not brace or not closed:
        yield pattern
        return
    limits = _RANGE.fullmatch(inside)
    if limits is None:
        choices = inside.split(",")
    else:
        first, last = limits.groups()
        if int(first) > int(last):
            raise ValueError(f"{{{inside}}} in {pattern!r} is empty: {first} is more than {last}")
        width = len(first) if first.startswith("0") else 0
        choices = [str(number).zfill(width) for number in range(int(first), int(last) + 1)]
    for choice in choices:
        for end in _spell_out(after):
            yield before + choice + end


class ShardFile(io.RawIOBase):
    """A file opened for reading that is opened again, and read on, when reading fails.

    Args:
        url: a local path, or what fsspec opens.
        retries: how many times one read is tried again.
        backoff: seconds before the first of them; each further one waits twice as long.
        storage_options: for fsspec's filesystem.

    Attributes:
        failure: the error that the last retry ended with.
    """

    def __init__(
        self, url: str, retries: int, backoff: float, storage_options: Mapping[str, Any]
    ) -> None:
        self.url = url
        self.failure: BaseException | None = None
        self._retries = retries
        self._backoff = backoff
        self._options = storage_options
        self._position = 0
        self._file: Any = None
        # Whether the server gives no parts, so that the file is one stream from its start.
        self._from_start = False
        try:
            self._file = self._open()
        except Exception as error:
            self._again(self._go_to, 0, error)

    def _open(self) -> Any:
        protocol, path = split_protocol(self.url)
        if not protocol:
            file = open(path, "rb", buffering=_BUFFER)
            if hasattr(os, "posix_fadvise"):
                # Twice the read-ahead.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            return file
        options = {"block_size": 0} if self._from_start else {}
        filesystem, path = filesystem_of(self.url, self._options)
        return filesystem.open(path, "rb", **options)

    def _again(self, action: Any, argument: int, error: Exception) -> Any:
        """``action(argument)``, which ended with ``error``, once more on a file opened anew, and
        again where that fails."""
        pause = self._backoff
        retries = 0
        while True:
            self._drop()
            if isinstance(error, ValueError) and not self._from_start and self._is_http():
                self._from_start = True
            elif isinstance(error, _PERMANENT) or retries == self._retries:
                self.failure = error
                where = f"while reading {self.url} at byte {self._position}"
                error.add_note(f"{where}, after {retries} retries")
                raise error
            else:
                time.sleep(pause)
                pause *= 2
                retries += 1
            try:
                self._file = self._open()
                self._go_to(self._position)
                return action(argument)
            except Exception as another:
                error = another

    def _is_http(self) -> bool:
        return split_protocol(self.url)[0] in ("http", "https")

    def _go_to(self, position: int) -> None:
        if self._file.tell() == position:
            return
        try:
            self._file.seek(position)
        except (OSError, ValueError, NotImplementedError):
            # A stream, as of a server that gives no ranges: it can only be read up to there.
            if self._file.tell() > position:
                self._file.close()
                self._file = self._open()
            self._read_up_to(position)

    def _read_up_to(self, position: int) -> None:
        while (missing := position - self._file.tell()) > 0:
            if not self._file.read(min(missing, _CHUNK)):
                return

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except Exception:  # It is broken already.
                return

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self.size()
        if offset != self._position:
            self._position = offset
            try:
                self._go_to(offset)
            except Exception as error:
                self._again(self._go_to, offset, error)
        return offset

    def size(self) -> int:
        """The length in bytes."""
        try:
            return self._find_size(0)
        except Exception as error:
            return self._again(self._find_size, 0, error)

    def _find_size(self, _: int) -> int:
        protocol, path = split_protocol(self.url)
        if protocol:
            filesystem, path = filesystem_of(self.url, self._options)
            return int(filesystem.size(path))
        return os.path.getsize(path)

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None else size
        try:
            data = self._file.read(wanted)
            if 0 < len(data) < wanted:
                data = self._complete(data, wanted)
        except Exception as error:
            data = self._again(self._read_whole, wanted, error)
        self._position += len(data)
        return data

    def _read_whole(self, wanted: int) -> bytes:
        data = self._file.read(wanted)
        return self._complete(data, wanted) if 0 < len(data) < wanted else data

    def _complete(self, data: bytes, wanted: int) -> bytes:
        """``data`` and as many of the bytes after it as are wanted and there: one read of a stream
        may give fewer."""
        parts = [data]
        missing = wanted - len(data)
        while missing and (data := self._file.read(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._drop()
        super().close()


def decompressed(file: ShardFile) -> Any:
    """``file`` itself, or what it holds where its name ends in .gz, .tgz, .bz2 or .xz."""
    if file.url.endswith((".gz", ".tgz")):
        import gzip

        return gzip.GzipFile(fileobj=io.BufferedReader(file, _CHUNK))
    if file.url.endswith(".bz2"):
        import bz2

        return bz2.BZ2File(io.BufferedReader(file, _CHUNK))
    if file.url.endswith(".xz"):
        import lzma

        return lzma.LZMAFile(io.BufferedReader(file, _CHUNK))
    return file
