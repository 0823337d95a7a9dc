"""Samples from tar archives: the files of one base name, one after another, are one sample."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import Any

from lamella_data.streaming.errors import corrupt
from lamella_data.streaming.files import ShardFile, decompressed

_BLOCK = 512
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, LZMAError)
_ADLER = 65521


def _plain_member(header: bytes) -> tuple[str, int] | None:
    """Name and size of the ordinary file that ``header`` is of; None for any other header, and a
    damaged one."""
    # Only a path of up to 100 bytes has none before it, in the field at 345.
    if len(header) != _BLOCK or header[156] not in b"0\0" or header[345]:
        return None
    size, checksum = header[124:136].strip(b" \0"), header[148:156].strip(b" \0")
    name = header[:100].partition(b"\0")[0]
    if not size.isdigit() or not checksum.isdigit() or name.endswith(b"/"):
        return None
    try:
        length, expected = int(size, 8), int(checksum, 8)
    except ValueError:
        return None
    # The checksum is the sum of all bytes, its own field counted as eight spaces. One half of
    # Adler-32 is that sum plus 1, modulo a prime.
    total = (zlib.adler32(header) & 0xFFFF) - 1 - sum(header[148:156]) + 8 * 32
    if (total - expected) % _ADLER:
        return None
    return str(name, "utf-8", "surrogateescape"), length


class _Header(tarfile.TarInfo):
    """Reads the headers of ordinary files, which follow the others too, in a quarter of tarfile's
    time."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> Any:
        plain = _plain_member(bytes(buf))
        if plain is None:
            return super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]
        header = cls(plain[0])
        header.size = plain[1]
        return header


class _Archive(tarfile.TarFile):
    """tarfile takes a damaged header, and an archive that was cut short, for its end; here both
    raise."""

    def next(self) -> tarfile.TarInfo | None:
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
        self._archive: Any = None

    def read(self, position: int) -> Iterator[tuple[dict[str, Any], int, int]]:
        """The samples from ``position`` on: each with its own position and that of the next."""
        sample: dict[str, Any] = {}
        start = position
        for name, data, offset in self._members(position):
            key, field = split_name(name)
            if sample and sample["__key__"] != key:
                yield sample, start, offset
                sample = {}
            if not sample:
                sample = {"__key__": key, "__url__": self._source.url}
                start = offset
            if field in sample:
                raise self._corrupt(offset, f"a second {name!r} in one sample")
            sample[field] = data
        if sample:
            yield sample, start, self._archive.offset

    def _members(self, position: int) -> Iterator[tuple[str, bytes, int]]:
        """Name, bytes and offset of each file from ``position`` on."""
        file = self._file
        offset = position
        header = None
        while True:
            try:
                if header is None:
                    file.seek(offset)
                    header = file.read(_BLOCK)
                plain = _plain_member(header)
                if plain is None:
                    member = self._by_tarfile(offset)
                    if member is None:
                        return
                    offset = member.offset
                    following = self._archive.offset
                    if not member.isreg():
                        offset, header = following, None
                        continue
                    if member.issparse():
                        raise self._corrupt(offset, f"{member.name!r} is stored as sparse")
                    file.seek(member.offset_data)
                    name, size = member.name, member.size
                else:
                    name, size = plain
                padding = -size % _BLOCK
                data = file.read(size)
                # The next header comes with the padding.
                rest = file.read(padding + _BLOCK)
            except _DAMAGE as error:
                if error is self._source.failure:
                    raise
                raise self._corrupt(offset, error) from error
            if len(data) < size or len(rest) < padding:
                raise self._corrupt(
                    offset, f"it ends after {len(data)} of the {size} bytes of {name!r}"
                )
            yield name, data, offset
            if plain is not None:
                following = offset + _BLOCK + size + padding
            offset, header = following, rest[padding:]

    def _by_tarfile(self, offset: int) -> tarfile.TarInfo | None:
        """What tarfile finds at ``offset``; None for the end of the archive."""
        self._file.seek(offset)
        if self._archive is None:
            self._archive = _Archive(fileobj=self._file, tarinfo=_Header)
            return self._archive.firstmember
        self._archive.offset = offset
        return self._archive.next()

    def _corrupt(self, offset: int, reason: object) -> Exception:
        # In a compressed file it is known how far it was read.
        at = offset if self._file is self._source else self._source.tell()
        return corrupt(self._source.url, at, reason)


def split_name(name: str) -> tuple[str, str]:
    """Key and field of a member: ``a/b.c/0001.seg.png`` gives ``a/b.c/0001`` and ``seg.png``."""
    folder, slash, file = name.rpartition("/")
    base, _, field = file.partition(".")
    return folder + slash + base, field
