"""The zip archive that a ``.pt`` file is: named records, stored as they are, aligned.

The layout is PyTorch's: every record lies in one folder, its first byte at a multiple of 64 (an
extra field of the local header pads up to it), none is compressed. Records may therefore be mapped
into memory. Zip64 headers are used where sizes or positions need more than 32 bits.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from lamella_core.serialization.source import PIECE

if TYPE_CHECKING:
    from lamella_core.serialization.source import Source

ALIGNMENT = 64

_LOCAL_HEADER = struct.Struct("<26xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_LOCAL_SIZE = 30
_PADDING_ID = b"FB"
_PADDING_HEADER = 4
_ZIP64_EXTRA = 20
# Below the 2 GiB from which zipfile makes this header by itself, so that the padding knows of it.
_ZIP64_FROM = 1 << 30
_ENCRYPTED = 0x1
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    struct.error,
    ValueError,
    OverflowError,
    EOFError,
    IndexError,
)


class ArchiveWriter:
    """Writes records, one after the other, into a file or file-like object.

    Args:
        file: where the bytes go; it need not be seekable.
        folder: the folder within the archive that all records are in.
    """

    __slots__ = ("_folder", "_start", "_zip")

    def __init__(self, file: IO[bytes], folder: str) -> None:
        self._folder = folder
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def write(self, name: str, contents: Any) -> None:
        """Adds a record; ``contents`` is bytes or an array of uint8, which is not copied."""
        view = memoryview(contents)
        info = zipfile.ZipInfo(f"{self._folder}/{name}", _EARLIEST)
        zip64 = view.nbytes >= _ZIP64_FROM
        fixed = self._zip.start_dir + _LOCAL_SIZE + len(info.filename.encode()) + _PADDING_HEADER
        padding = -(fixed + zip64 * _ZIP64_EXTRA) % ALIGNMENT
        info.extra = _PADDING_ID + struct.pack("<H", padding) + b"Z" * padding
        info.file_size = view.nbytes
        with self._zip.open(info, "w", force_zip64=zip64) as record:
            for place in range(0, view.nbytes, PIECE):
                record.write(view[place : place + PIECE])

    def close(self) -> None:
        """Writes the directory of records; without it the archive cannot be read."""
        self._zip.close()


class Record:
    """Where the bytes of a record are: ``start`` and ``size`` in the file, and their checksum."""

    __slots__ = ("crc", "size", "start")

    def __init__(self, start: int, size: int, crc: int) -> None:
        self.start = start
        self.size = size
        self.crc = crc


class ArchiveReader:
    """The records of an archive, none of which is believed before it was checked.

    Args:
        source: the bytes of the file.

    Raises:
        RuntimeError: when it is no archive of this layout: no directory at its end, a compressed
            or encrypted record, names outside the archive's folder, sizes that the file has not.
    """

    __slots__ = ("_infos", "_source", "folder")

    def __init__(self, source: Source) -> None:
        self._source = source
        try:
            with zipfile.ZipFile(source.file()) as archive:
                infos = archive.infolist()
                directory = archive.start_dir
        except _UNREADABLE as error:
            raise RuntimeError(
                f"{source.name} begins like a zip archive and cannot be read as one ({error}): it "
                "was cut off or damaged"
            ) from None
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self.folder = infos[0].filename.partition("/")[0] if infos else ""
        total = 0
        for info in infos:
            name = self._checked_name(info)
            if name in self._infos:
                raise self._damaged(f"it holds the record {name!r} twice")
            self._check_stored(info, name)
            total += info.file_size
            self._infos[name] = info
        if total > directory:
            raise self._damaged(
                f"its records claim {total} bytes together and there is room for {directory}"
            )

    def _checked_name(self, info: zipfile.ZipInfo) -> str:
        folder, _, name = info.filename.partition("/")
        # PyTorch writes relative names alone; anything else was made to leave the folder.
        parts = name.split("/")
        if folder != self.folder or "\\" in name or ".." in parts or "" in parts or not folder:
            raise self._damaged(
                f"it holds the name {info.filename!r}, which is not a record in its folder "
                f"{self.folder!r}"
            )
        return name

    def _check_stored(self, info: zipfile.ZipInfo, name: str) -> None:
        if info.flag_bits & _ENCRYPTED:
            raise self._damaged(f"its record {name!r} is encrypted")
        if info.compress_type != zipfile.ZIP_STORED:
            raise self._damaged(
                f"its record {name!r} is compressed; tensor files are stored as they are, and what "
                "is not is refused, as it may unpack to any size. Unpack the archive and pack it "
                "again without compression if you trust it"
            )
        if info.file_size != info.compress_size:
            raise self._damaged(
                f"its record {name!r} is stored and has two sizes, {info.file_size} and "
                f"{info.compress_size}"
            )

    def _damaged(self, what: str) -> RuntimeError:
        return RuntimeError(f"{self._source.name} is no tensor file, or a damaged one: {what}")

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def names(self) -> list[str]:
        """The names of all records, without the folder."""
        return list(self._infos)

    def find(self, name: str) -> Record:
        """Where a record is.

        Raises:
            RuntimeError: when it is not there, or not within the file.
        """
        info = self._infos.get(name)
        if info is None:
            raise self._damaged(f"the record {name!r} is not in it")
        if info.header_offset < 0:
            raise self._damaged(f"its record {name!r} begins before the file")
        header = self._source.read(info.header_offset, _LOCAL_SIZE)
        if len(header) < _LOCAL_SIZE or header[:4] != _LOCAL_MAGIC:
            raise self._damaged(f"its record {name!r} does not begin where the directory says")
        name_size, extra_size = _LOCAL_HEADER.unpack(header)
        start = info.header_offset + _LOCAL_SIZE + name_size + extra_size
        if start + info.file_size > self._source.size:
            raise self._damaged(
                f"its record {name!r} claims {info.file_size} bytes from position {start} on; the "
                f"file has {self._source.size}"
            )
        return Record(start, info.file_size, info.CRC)

    def read(self, name: str) -> bytes:
        """The bytes of a record, held to its checksum."""
        record = self.find(name)
        contents = self._source.read(record.start, record.size)
        self.check(name, record, zlib.crc32(contents))
        return contents

    def check(self, name: str, record: Record, crc: int) -> None:
        """Raises RuntimeError unless ``crc`` is the checksum that the archive has for a record.

        One of 0 is none: PyTorch's ``set_crc32_options(False)`` writes that.
        """
        if record.crc not in (0, crc):
            raise self._damaged(
                f"the checksum of its record {name!r} is {crc:08x}; it was saved with "
                f"{record.crc:08x}"
            )
