"""Samples from tar archives: the files of one base name, one after another, are one sample."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import Any

from lamella_data.streaming.errors import corrupt
from lamella_data.streaming.files import ShardFile, decompressed

_BLOCK = 512
_OCTAL = re.compile(rb"[0-7]+")
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, LZMAError)


class _Header(tarfile.TarInfo):
    """Reads the header of an ordinary file in a quarter of tarfile's time, which is what a stream
    of small files waits for. All other headers, and damaged ones, are tarfile's affair."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Any:
        # Only a path of up to 100 bytes has none before it, in the field at 345.
        if len(buf) == _BLOCK and buf[156] in b"0\0" and not buf[345]:
            size, checksum = buf[124:136].strip(b" \0"), buf[148:156].strip(b" \0")
            if _OCTAL.fullmatch(size) and _OCTAL.fullmatch(checksum):
                # The checksum counts its own field as eight spaces.
                total = sum(buf) - sum(buf[148:156]) + 8 * 32
                name = buf[:100].partition(b"\0")[0]
                if total == int(checksum, 8) and not name.endswith(b"/"):
                    header = cls(str(name, encoding or "utf-8", errors))
                    header.size = int(size, 8)
                    return header
        return super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]


class _Archive(tarfile.TarFile):
    """tarfile takes a damaged header, and an archive that was cut short, for its end; here both
    raise."""

    def next(self) -> tarfile.TarInfo | None:
        file: Any = self.fileobj
        # The data of a member that nobody wanted.
        skip = self.offset - file.tell()
        if skip:
            file.seek(skip, 1)
        try:
            return self.tarinfo.fromtarfile(self)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            return None
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise tarfile.ReadError("it ends without the blocks that end an archive") from None


class TarReader:
    """Reads samples from one archive. A position is the offset of a sample's first header.

    Nothing is ever written to disk, so that names such as ``../x`` are names and no more.
    """

    def __init__(self, source: ShardFile) -> None:
        self._source = source
        self._file = decompressed(source)

    def read(self, position: int) -> Iterator[tuple[dict[str, Any], int, int]]:
        """The samples from ``position`` on: each with its own position and that of the next."""
        url = self._source.url
        member = None
        archive: Any = None
        sample: dict[str, Any] = {}
        start = position
        while True:
            try:
                if archive is None:
                    self._file.seek(position)
                    archive = _Archive(fileobj=self._file, tarinfo=_Header)
                    member = archive.firstmember
                else:
                    member = archive.next()
                data = b"" if member is None or not member.isreg() else self._data(member)
            except _DAMAGE as error:
                if error is self._source.failure:
                    raise
                offset = position if archive is None else archive.offset
                raise corrupt(url, self._in_file(offset), error) from error
            if member is None:
                break
            if not member.isreg():
                continue
            key, field = split_name(member.name)
            if sample and sample["__key__"] != key:
                yield sample, start, member.offset
                sample = {}
            if not sample:
                sample = {"__key__": key, "__url__": url}
                start = member.offset
            if field in sample:
                offset = self._in_file(member.offset)
                raise corrupt(url, offset, f"a second {member.name!r} in one sample")
            sample[field] = data
        if sample:
            yield sample, start, archive.offset

    def _in_file(self, offset: int) -> int:
        """The byte of the file that is at fault; where it is compressed, how far it was read."""
        return offset if self._file is self._source else self._source.tell()

    def _data(self, member: tarfile.TarInfo) -> bytes:
        at = self._in_file(member.offset)
        if member.issparse():
            raise corrupt(self._source.url, at, f"{member.name!r} is stored as sparse")
        data = self._file.read(member.size)
        padding = -member.size % _BLOCK
        if len(data) < member.size or len(self._file.read(padding)) < padding:
            raise corrupt(
                self._source.url,
                at,
                f"it ends after {len(data)} of the {member.size} bytes of {member.name!r}",
            )
        return data


def split_name(name: str) -> tuple[str, str]:
    """Key and field of a member: ``a/b.c/0001.seg.png`` gives ``a/b.c/0001`` and ``seg.png``."""
    folder, slash, file = name.rpartition("/")
    base, _, field = file.partition(".")
    return folder + slash + base, field
