from __future__ import annotations

import functools
import http.server
import io
import operator
import threading

import pytest

from lamella_data import DataLoader
from lamella_data.streaming import TarDataset, files
from lamella_data.streaming.files import ShardFile, expand


def test_braces_are_spelled_out() -> None:
    assert expand("a-{08..11}.tar", {}) == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expand("{a,b}/{1..2}", {}) == ["a/1", "a/2", "b/1", "b/2"]
    assert expand(["s3://x/{9..10}.tar", "plain.tar"], {}) == [
        "s3://x/9.tar",
        "s3://x/10.tar",
        "plain.tar",
    ]
    assert expand("odd{name", {}) == ["odd{name"]


def test_paths_may_be_objects(tmp_path) -> None:
    path = tmp_path / "{a,b}.tar"
    assert expand(path, {}) == expand([path], {}) == [f"{tmp_path}/a.tar", f"{tmp_path}/b.tar"]
    with pytest.raises(TypeError, match="int"):
        expand([3], {})


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match="3 is more than 2"):
        expand("a{3..2}", {})


def test_stars_match_files_in_order(tmp_path) -> None:
    for name in ("b.tar", "a.tar", "c.txt"):
        (tmp_path / name).touch()
    assert expand(f"{tmp_path}/*.tar", {}) == [f"{tmp_path}/a.tar", f"{tmp_path}/b.tar"]
    with pytest.raises(FileNotFoundError, match=r"no shard matches .*\.zip"):
        expand(f"{tmp_path}/*.zip", {})


def test_file_urls_are_paths(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with ShardFile(f"file://{tmp_path}/a", 0, 0, {}) as file:
        assert file.read() == b"abc"


def test_a_missing_file_is_not_tried_again(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(files.time, "sleep", pytest.fail)
    with pytest.raises(FileNotFoundError):
        ShardFile(str(tmp_path / "none"), 3, 1, {})


class Flaky(io.BytesIO):
    """Fails every third read."""

    reads = 0

    def read(self, size=-1):
        Flaky.reads += 1
        if Flaky.reads % 3 == 0:
            raise ConnectionResetError("reset by peer")
        return super().read(size)


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """Makes files flaky; returns the pauses that were made."""
    found: list[float] = []
    monkeypatch.setattr(files.time, "sleep", found.append)
    opened = ShardFile._open
    monkeypatch.setattr(ShardFile, "_open", lambda self: Flaky(opened(self).read()))
    Flaky.reads = 0
    return found


def test_reads_that_fail_are_tried_again(shards, pauses) -> None:
    assert [sample["cls"] for sample in TarDataset(shards, backoff=0.25)] == list(range(50))
    assert len(pauses) > 20
    assert set(pauses) == {0.25}


def test_retries_wait_longer_each_time_and_end(tmp_path, pauses, monkeypatch) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with ShardFile(str(tmp_path / "a"), 3, 0.5, {}) as file:
        monkeypatch.setattr(Flaky, "read", lambda self, size=-1: 1 / 0)
        with pytest.raises(ZeroDivisionError) as info:
            file.read(2)
    assert pauses == [0.5, 1.0, 2.0]
    assert "at byte 0, after 3 retries" in info.value.__notes__[0]


def test_without_fsspec_the_error_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install 'lamella-data\[streaming\]'"):
        next(iter(TarDataset("memory://a.tar")))


def test_the_memory_filesystem(shards, tmp_path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for path in sorted(tmp_path.glob("*.tar")):
        memory.pipe(f"/shards/{path.name}", path.read_bytes())
    try:
        for urls in (
            "memory://shards/part-{000..004}.tar",
            "memory://shards/*.tar",
            # A chain: a copy of each is kept on this machine.
            "simplecache::memory://shards/part-{000..004}.tar",
            "simplecache::memory://shards/*.tar",
        ):
            assert [sample["cls"] for sample in TarDataset(urls)] == list(range(50))
    finally:
        memory.rm("/shards", recursive=True)


class Plain(http.server.SimpleHTTPRequestHandler):
    """Serves whole files only, as Python's own server does."""

    def log_message(self, *_) -> None:
        pass


class Ranges(Plain):
    """Serves parts of files."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        if wanted is None:
            return super().do_GET()
        with open(self.translate_path(self.path), "rb") as file:
            data = file.read()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(part)

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()


class CutsOff(Plain):
    """Ends each second answer too early."""

    answers = 0

    def copyfile(self, source, outputfile) -> None:
        CutsOff.answers += 1
        data = source.read()
        outputfile.write(data[: len(data) // 2] if CutsOff.answers % 2 else data)


@pytest.fixture
def serve(tmp_path):
    """Starts a server of ``tmp_path`` on this machine; returns its URL."""
    pytest.importorskip("aiohttp")
    pytest.importorskip("fsspec")
    servers = []

    def start(handler) -> str:
        make = functools.partial(handler, directory=str(tmp_path))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("handler", [Plain, Ranges, CutsOff])
def test_http(shards, serve, handler) -> None:
    url = serve(handler) + "/part-{000..004}.tar"
    dataset = TarDataset(url, backoff=0.01)
    assert [sample["cls"] for sample in dataset] == list(range(50))


@pytest.mark.parametrize("handler", [Plain, Ranges])
def test_http_is_resumed(shards, serve, handler) -> None:
    url = serve(handler) + "/part-{000..004}.tar"

    def make():
        return TarDataset(url, shuffle=True, buffer_size=8, seed=4)

    dataset = make()
    stream = iter(dataset)
    for _ in range(17):
        next(stream)
    other = make()
    other.load_state_dict(dataset.state_dict())
    assert [sample["cls"] for sample in other] == [sample["cls"] for sample in stream]


def test_workers_read_from_a_server_that_this_process_has_read_from(shards, serve) -> None:
    dataset = TarDataset(
        serve(Ranges) + "/part-{000..004}.tar", transform=operator.itemgetter("cls")
    )
    assert list(dataset) == list(range(50))
    assert sorted(DataLoader(dataset, None, num_workers=2, timeout=30)) == list(range(50))


def test_a_large_file_of_a_server_that_gives_no_parts(tmp_path, serve, write_tar) -> None:
    # fsspec reads in parts of five million bytes.
    contents = {f"{number}.bin": bytes([number]) * 4_000_000 for number in range(3)}
    write_tar(tmp_path / "large.tar", contents)
    found = [sample["bin"] for sample in TarDataset(serve(Plain) + "/large.tar")]
    assert found == list(contents.values())


def test_a_missing_file_on_a_server(shards, serve) -> None:
    with pytest.raises(FileNotFoundError):
        next(iter(TarDataset(serve(Plain) + "/none.tar")))
