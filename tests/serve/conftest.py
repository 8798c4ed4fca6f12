"""A server on a folder with pictures, the golden model among those installed."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from conftest import GOLDEN, textured
from trellic.codec import Codec
from trellic.container.bytes import Data
from trellic.serve.coding import Coding
from trellic.serve.folder import Folder
from trellic.serve.handler import Handler
from trellic.serve.server import Server
from trellic.serve.site import Site


class Reply(NamedTuple):
    """A status, headers by their names in small letters, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's only line."""
        assert self.headers["content-type"] == "application/json"
        assert self.body.count(b"\n") == 1
        return json.loads(self.body)


@pytest.fixture(scope="session")
def coding() -> Coding:
    """The golden model's."""
    return Coding(Codec(str(GOLDEN / "golden.trm"), 1, effort=1))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder: a picture, a stream, a stream in a folder of its own; and what must not be seen."""
    folder = tmp_path / "shared"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    Image.fromarray(textured(40, 50)).save(folder / "a b.png")
    (folder / "b.tlic").write_bytes((GOLDEN / "tcq8.tlic").read_bytes())
    (folder / "deep" / "ü.tlic").write_bytes((GOLDEN / "uniform.tlic").read_bytes())
    for secret in (folder / ".secret.png", folder / ".hidden" / "c.png", folder / "notes.txt", tmp_path / "out.png"):
        secret.write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "inner.png").symlink_to(folder / "notes.txt")
    return folder


@pytest.fixture
def server(shared: Path, coding: Coding, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of that folder, running."""
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    with Server(Site(coding, Folder(shared)), "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(server: Server) -> Callable[..., Reply]:
    """A function that asks the server: for a path, by a method, with a body, and headers as arguments."""

    def get(path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection(*server.server_address[:2], timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            reply = connection.getresponse()
            return Reply(reply.status, {key.lower(): value for key, value in reply.getheaders()}, reply.read())

    return get


class Seen(NamedTuple):
    """What was asked for, and how many bytes of a body were sent."""

    method: str
    path: str
    accept: str
    sent: int


@pytest.fixture
def seen(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """The requests that the server answered, in the order of their ends."""
    requests: list[Seen] = []
    transfer = Handler._transfer

    def noted(self: Handler, body: Data, start: int, stop: int) -> None:
        transfer(self, body, start, stop)
        if self.server is server:
            requests.append(Seen(self.command, self.path, self._header("Accept"), stop - start))

    monkeypatch.setattr(Handler, "_transfer", noted)
    return requests


@pytest.fixture
def visit(server: Server, browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens the page in a window of a width and colour scheme; a page that complains fails the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, accept_downloads=True)
    context.set_default_timeout(60_000)
    complaints: list[str] = []

    def opened(width: int = 1000, scheme: str = "light") -> Any:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(server.url)
        page.wait_for_selector("#privacy:not(:empty)")
        return page

    yield opened
    context.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
