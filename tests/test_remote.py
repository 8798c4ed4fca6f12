"""URLs: a region takes a handful of requests, of a web server as of an object store; what fails is asked for again."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trellic
from command import in_words, run_trellic
from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.errors import StorageFailed
from trellic.files import open_bytes
from trellic.picture.types import Picture
from trellic.remote import RemoteBytes, name_of, url_of

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")
CROP = (700, 900, 256, 256)
"""Lies in all four groups."""
MOST_REQUESTS = 6


@pytest.fixture(scope="module")
def data() -> bytes:
    """A stream of four groups of blocks."""
    codec = Codec(str(GOLDEN / "golden.trm"), 1, tile=128, predict=True)
    return codec.encode_picture(Picture(textured(2048, 2048)), Target(90)).data


class Server(ThreadingHTTPServer):
    """Serves one file, with ranges or without, and keeps what was asked for; fails a number of times."""

    def __init__(self, data: bytes, ranges: bool = True) -> None:
        self.data, self.ranges, self.failures = data, ranges, 0
        self.asked: list[tuple[str, int]] = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/deep/picture.tlic"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked, whole = self.headers.get("Range", ""), self.server.data
        status, body = 200, whole
        if self.server.failures:
            self.server.failures -= 1
            status, body = 503, b""
        elif self.server.ranges and asked:
            start, stop = asked.removeprefix("bytes=").split("-")
            status, body = 206, whole[int(start) : int(stop) + 1]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {asked.removeprefix('bytes=')}/{len(whole)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
        self.server.asked.append((self.command, len(body)))

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server(data):
    with Server(data) as server:
        yield server
        server.shutdown()


def test_names_of_urls():
    assert url_of("https://host/a//b.tlic?key=1") == "https://host/a//b.tlic?key=1"
    assert url_of(Path("s3://bucket/a.tlic")) == "s3://bucket/a.tlic"
    assert url_of(Path("https://host/a.tlic?key=1")) == "https://host/a.tlic?key=1"
    assert [url_of(one) for one in ("a.tlic", Path("/tmp/a.tlic"), "C:/a.tlic", "a:b")] == [None] * 4
    assert name_of("https://host/deep/a.tlic?key=a/b") == "a.tlic"


def test_a_region_of_a_web_server_takes_a_handful_of_requests(server, data, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    region = trellic.decode(server.url, crop=CROP)
    assert np.array_equal(np.asarray(region), np.asarray(trellic.decode(data, crop=CROP)))
    assert len(server.asked) <= MOST_REQUESTS
    server.asked.clear()
    trellic.decode(server.url, crop=(200, 300, 256, 256))
    assert len(server.asked) <= 3
    assert sum(count for kind, count in server.asked if kind == "GET") < 0.7 * len(data)


def test_a_preview_of_a_web_server_takes_a_handful_of_requests_and_a_part_of_the_bytes(data, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    monkeypatch.setattr("trellic.container.stream.LARGEST_GAP", 1)  # as between large tiles
    codec = trellic.Codec(str(GOLDEN / "golden.trm"), 1)
    coded = codec.encode(trellic.decode(data), 95, prefixes=True)
    with Server(coded) as server:
        assert trellic.preview(server.url) == trellic.preview(coded)
        server.shutdown()
    assert len(server.asked) <= MOST_REQUESTS
    assert sum(count for kind, count in server.asked if kind == "GET") < 0.7 * len(coded)


def test_a_region_of_an_object_store_takes_a_handful_of_requests(s3, data, monkeypatch, tmp_path):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    import fsspec

    system, taken = fsspec.filesystem("s3"), []
    url = f"{s3}/{tmp_path.name}.tlic"
    system.pipe_file(url, data)
    call = type(system)._call_s3

    async def counted(self, method, *arguments, **options):
        taken.append(method)
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(type(system), "_call_s3", counted)
    region = trellic.decode(url, crop=CROP)
    assert np.array_equal(np.asarray(region), np.asarray(trellic.decode(data, crop=CROP)))
    assert 2 <= len(taken) <= MOST_REQUESTS


def test_what_fails_is_asked_for_again(server, data, monkeypatch):
    monkeypatch.setattr("trellic.remote.time.sleep", lambda seconds: None)
    with open_bytes(server.url) as found:
        server.failures = 2
        assert found[100_000:100_100] == data[100_000:100_100]
        server.failures = 100
        with pytest.raises(StorageFailed, match="after 6 tries"):
            found[200_000:200_100]


def test_a_server_without_ranges_sends_all_and_a_part_is_taken(data):
    with Server(data, ranges=False) as server:
        found = RemoteBytes(server.url)
        assert len(found) == len(data)
        assert found[100_000:100_100] == data[100_000:100_100]
        server.shutdown()


def test_a_server_that_sends_too_little_is_to_blame(data):
    with Server(data) as server:
        found = RemoteBytes(server.url)
        server.data = data[:100_050]
        with pytest.raises(StorageFailed, match="50 bytes of 100"):
            found[100_000:100_100]
        server.shutdown()


def test_verbs_take_urls(server, data, tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    done = run_trellic("decode", server.url, "--crop", "700,900,256,256", "-o", tmp_path / "region.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "region.png") as region:
        assert region.size == (256, 256)
    done = run_trellic("decode", server.url, "--preview", "8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "picture.png").exists()
    assert run_trellic("verify", server.url, cwd=tmp_path).stdout.split()[0].decode() == trellic.verify(data)


def test_a_missing_file_is_one_line_that_names_it_once_and_says_why(tmp_path):
    done = in_words(run_trellic("info", "http://127.0.0.1:1/none.tlic", cwd=tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("http://127.0.0.1:1/none.tlic: Cannot connect to host")
    assert len(done.stderr.splitlines()) == done.stderr.count("none.tlic") == 1


def test_a_file_that_is_empty_is_one_line(server, tmp_path):
    server.data = b""
    done = run_trellic("info", server.url, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_of_an_open_file_only_what_is_needed_is_read(data, tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    path = tmp_path / "picture.tlic"
    path.write_bytes(b"before" + data)
    with path.open("rb") as file:
        file.seek(6)
        assert np.array_equal(np.asarray(trellic.decode(file, crop=CROP)), np.asarray(trellic.decode(data, crop=CROP)))
