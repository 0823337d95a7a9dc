"""Shards in an S3 store: moto's server on this machine, read through s3fs."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lamella_data import DataLoader
from lamella_data.streaming import ParquetDataset, TarDataset

pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

KEYS = {"key": "name", "secret": "word"}


def options(address: str) -> dict[str, Any]:
    client = {"endpoint_url": address, "region_name": "eu-west-1"}
    config = {"retries": {"max_attempts": 0}}
    return {**KEYS, "client_kwargs": client, "config_kwargs": config}


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """s3fs does not try again by itself."""
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 store."""
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, shards: str) -> Iterator[str]:
    """A bucket with five archives of ten samples, numbered from 0 to 49."""
    import s3fs

    filesystem = s3fs.S3FileSystem(**options(server))
    filesystem.mkdir("shards")
    for path in sorted(Path(shards).parent.glob("*.tar")):
        filesystem.put(str(path), f"shards/{path.name}")
    yield "s3://shards"
    filesystem.rm("shards", recursive=True)


class CutOff:
    """A relay to a server that breaks the first connections after some bytes of their answer."""

    def __init__(self, address: str, breaks: int, after: int) -> None:
        host, port = address.removeprefix("http://").split(":")
        self.target = host, int(port)
        self.breaks = breaks
        self.after = after
        self.broken = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            broken = self.broken < self.breaks
            self.broken += broken
            for ends in ((client, server, -1), (server, client, self.after if broken else -1)):
                threading.Thread(target=self.relay, args=ends, daemon=True).start()

    def relay(self, source: socket.socket, target: socket.socket, left: int) -> None:
        try:
            while left and (data := source.recv(65536 if left < 0 else min(left, 65536))):
                target.sendall(data)
                left -= len(data) if left > 0 else 0
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.mark.parametrize("workers", [0, 2])
def test_archives_by_workers(server: str, bucket: str, workers: int) -> None:
    dataset = TarDataset(f"{bucket}/part-*.tar", storage_options=options(server))
    assert dataset.urls == [f"{bucket}/part-{number:03}.tar" for number in range(5)]
    loader = DataLoader(dataset, 4, num_workers=workers)
    for _ in range(2):
        batches = list(loader)
        numbers = [number for batch in batches for number in batch["cls"].tolist()]
        assert sorted(numbers) == list(range(50))
        sizes = {
            (key, len(data))
            for batch in batches
            for key, data in zip(batch["__key__"], batch["bin"], strict=True)
        }
        assert sizes == {(f"{number:05}", 100 * number) for number in range(50)}


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_are_not_forked(server: str, bucket: str, method: str) -> None:
    dataset = TarDataset(f"{bucket}/part-{{000..004}}.tar", storage_options=options(server))
    loader = DataLoader(dataset, 4, num_workers=2, multiprocessing_context=method)
    assert sorted(number for batch in loader for number in batch["cls"].tolist()) == list(range(50))


@pytest.mark.parametrize("shuffle", [False, True])
def test_resuming_in_mid_epoch(server: str, bucket: str, shuffle: bool) -> None:
    def make() -> DataLoader:
        dataset = TarDataset(
            f"{bucket}/part-{{000..004}}.tar",
            shuffle=shuffle,
            buffer_size=7,
            storage_options=options(server),
        )
        return DataLoader(dataset, 3, num_workers=2)

    loader = make()
    stream = iter(loader)
    seen = [batch["cls"].tolist() for batch in itertools.islice(stream, 6)]
    state = loader.state_dict()
    rest = [batch["cls"].tolist() for batch in stream]
    resumed = make()
    resumed.load_state_dict(state)
    assert [batch["cls"].tolist() for batch in resumed] == rest
    assert sorted(sum(seen + rest, [])) == list(range(50))


def test_rows_of_parquet(server: str, bucket: str, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    import s3fs

    filesystem = s3fs.S3FileSystem(**options(server))
    for shard in range(4):
        rows = list(range(25 * shard, 25 * shard + 25))
        parquet.write_table(pyarrow.table({"id": rows}), tmp_path / "rows", row_group_size=10)
        filesystem.put(str(tmp_path / "rows"), f"shards/{shard}.parquet")
    dataset = ParquetDataset(f"{bucket}/{{0..3}}.parquet", storage_options=options(server))
    loader = DataLoader(dataset, 10, num_workers=2)
    stream = iter(loader)
    seen = [batch["id"].tolist() for batch in itertools.islice(stream, 3)]
    state = loader.state_dict()
    del stream
    loader.load_state_dict(state)
    rest = [batch["id"].tolist() for batch in loader]
    assert sorted(sum(seen + rest, [])) == list(range(100))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_shard_that_is_missing_is_named(server: str, bucket: str, workers: int) -> None:
    dataset = TarDataset(
        f"{bucket}/part-{{003..005}}.tar", storage_options=options(server), backoff=0
    )
    with pytest.raises(FileNotFoundError, match="part-005"):
        list(DataLoader(dataset, 4, num_workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_connections_are_made_again(
    server: str, bucket: str, workers: int, one_attempt: None
) -> None:
    relay = CutOff(server, breaks=3, after=3000)
    dataset = TarDataset(
        f"{bucket}/part-{{000..004}}.tar", storage_options=options(relay.address), backoff=0.01
    )
    found = [sample["cls"] for sample in DataLoader(dataset, None, num_workers=workers)]
    relay.listener.close()
    assert sorted(found) == list(range(50))
    assert relay.broken == 3


def test_a_store_that_is_gone_is_an_error_with_its_shard(
    server: str, bucket: str, one_attempt: None
) -> None:
    # Whoever listens breaks every connection at once.
    relay = CutOff(server, breaks=1 << 30, after=0)
    dataset = TarDataset(
        f"{bucket}/part-000.tar",
        storage_options=options(relay.address),
        retries=1,
        backoff=0.01,
    )
    # The client's exception is botocore's.
    with pytest.raises(Exception, match="onnection") as info:
        list(dataset)
    relay.listener.close()
    assert any("part-000.tar at byte 0, after 1 retries" in note for note in info.value.__notes__)
