from __future__ import annotations

import io
import itertools

import pytest

from lamella_data import DataLoader
from lamella_data.streaming import CorruptShardError, ParquetDataset
from lamella_data.streaming.files import ShardFile


@pytest.fixture
def shards(tmp_path) -> str:
    """Three files of 25 rows, in row groups of 10."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for shard in range(3):
        rows = range(25 * shard, 25 * shard + 25)
        table = pyarrow.table(
            {
                "id": list(rows),
                "half": [row / 2 for row in rows],
                "name": [f"row {row}" if row % 5 else None for row in rows],
                "list": [[row, row + 1] for row in rows],
            }
        )
        parquet.write_table(table, tmp_path / f"{shard}.parquet", row_group_size=10)
    return str(tmp_path / "{0..2}.parquet")


def identity(row):
    return row["id"]


def test_rows_are_dicts(shards) -> None:
    rows = list(ParquetDataset(shards))
    assert len(rows) == 75
    assert rows[0] == {"id": 0, "half": 0.0, "name": None, "list": [0, 1]}
    assert rows[61] == {"id": 61, "half": 30.5, "name": "row 61", "list": [61, 62]}


def test_columns(shards) -> None:
    assert next(iter(ParquetDataset(shards, columns=["half", "id"]))) == {"half": 0.0, "id": 0}
    with pytest.raises(KeyError, match=r"has no columns \['nothing'\]; it has \['id', 'half'"):
        next(iter(ParquetDataset(shards, columns=["nothing"])))


def test_batches_are_tensors(shards) -> None:
    loader = DataLoader(ParquetDataset(shards, columns=["id", "half"]), 30)
    assert [batch["id"].tolist() for batch in loader][1] == list(range(30, 60))


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "buffer_size": 12}], ids=str)
@pytest.mark.parametrize("stop", [0, 3, 10, 31, 70, 75])
def test_resuming_goes_on_exactly(shards, options, stop) -> None:
    def make():
        return ParquetDataset(shards, seed=3, transform=identity, **options)

    dataset = make()
    stream = iter(dataset)
    for _ in range(stop):
        next(stream)
    resumed = make()
    resumed.load_state_dict(dataset.state_dict())
    assert list(resumed) == list(stream)


def test_reads_that_fail_are_tried_again(shards, monkeypatch) -> None:
    reads = itertools.count(1)

    class Flaky(io.BytesIO):
        def read(self, size=-1):
            if next(reads) % 3 == 0:
                raise ConnectionResetError("reset by peer")
            return super().read(size)

    opened = ShardFile._open
    monkeypatch.setattr(ShardFile, "_open", lambda self: Flaky(opened(self).read()))
    dataset = ParquetDataset(shards, transform=identity, backoff=0)
    assert list(dataset) == list(range(75))
    assert next(reads) > 12


def test_a_read_that_keeps_failing_is_no_corrupt_shard(shards, monkeypatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(ShardFile, "_open", lambda self: Broken(b""))
    with pytest.raises(ConnectionResetError):
        list(ParquetDataset(shards, backoff=0, skip_corrupt=True))


def test_workers_share_the_files(shards) -> None:
    dataset = ParquetDataset(shards, shuffle=True, transform=identity)
    assert sorted(DataLoader(dataset, None, num_workers=2)) == list(range(75))


@pytest.mark.parametrize("content", [b"", b"no parquet " * 100], ids=["empty", "text"])
def test_what_is_no_parquet(shards, tmp_path, content) -> None:
    (tmp_path / "1.parquet").write_bytes(content)
    with pytest.raises(CorruptShardError, match=r"1\.parquet at byte \d+"):
        list(ParquetDataset(shards))


def test_a_damaged_row_group_is_named_by_its_offset(shards, tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "1.parquet"
    column = parquet.ParquetFile(path).metadata.row_group(1).column(0)
    offset = column.dictionary_page_offset or column.data_page_offset
    data = bytearray(path.read_bytes())
    data[offset : offset + 20] = bytes([0xFF]) * 20
    path.write_bytes(data)
    with pytest.raises(CorruptShardError, match=rf"1\.parquet at byte {offset}: row group 1"):
        list(ParquetDataset(shards))
    dataset = ParquetDataset(shards, skip_corrupt=True, transform=identity)
    with pytest.warns(UserWarning, match="the rest of a shard is left out"):
        assert list(dataset) == [*range(35), *range(50, 75)]
    assert len(dataset.skipped) == 1


def test_another_filesystem(shards, tmp_path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for path in tmp_path.glob("*.parquet"):
        memory.pipe(f"/rows/{path.name}", path.read_bytes())
    try:
        dataset = ParquetDataset("memory://rows/*.parquet", transform=identity)
        assert list(dataset) == list(range(75))
    finally:
        memory.rm("/rows", recursive=True)


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'lamella-data\[parquet\]'"):
        next(iter(ParquetDataset(f"{tmp_path}/a.parquet")))
