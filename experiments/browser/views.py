"""What a view of the page costs: all bytes that the server sends, headers too, and the time of decoding in Chromium.

The first view loads the page, its decoder and a model, and decodes a photograph; the second, the same once more.
"""

import socket
import threading
from pathlib import Path
from typing import Any

from experiments.browser.chromium import chromium
from experiments.store import Line
from trellic import api
from trellic.cli.demo import BUNDLED
from trellic.codec import Codec
from trellic.serve.coding import Coding
from trellic.serve.server import Server
from trellic.serve.site import Site

SETTLED = 1000
"""Milliseconds after which a view has ended: what it keeps for the next one is kept by then."""
TIMES = 5


class Counted(socket.socket):
    """A connection that counts what is sent."""

    sent = 0

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send and count."""
        type(self).sent += len(data)
        super().sendall(data, flags)


class CountingServer(Server):
    """A server whose connections are counted."""

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return a connection and its address."""
        connection, address = super().get_request()
        return Counted(fileno=connection.detach()), address


def measure(folder: Path) -> list[Line]:
    """Return a line for each view, with what it fetched in bytes, and one with milliseconds of decoding.

    folder  to write the stream to
    """
    stream = folder / "photograph.tlic"
    stream.write_bytes(api.encode(BUNDLED))
    with CountingServer(Site(Coding(Codec())), "127.0.0.1", 0) as server, chromium() as browser:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = browser.new_page()
            views = [_view(page, server.url, stream, view) for view in ("first", "second")]
            times = [_milliseconds(page, stream) for _ in range(TIMES)]
        finally:
            server.shutdown()
            thread.join()
    return [*views, {"what": "decoding", "milliseconds": sorted(times)[TIMES // 2]}]


def _view(page: Any, url: str, stream: Path, name: str) -> Line:
    """Load the page, decode a stream, and return what it took."""
    before = Counted.sent
    page.goto(url)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
    milliseconds = _milliseconds(page, stream)
    page.wait_for_timeout(SETTLED)
    return {"what": f"{name} view", "bytes": Counted.sent - before, "milliseconds": milliseconds}


def _milliseconds(page: Any, stream: Path) -> int:
    """Return the time that decoding a stream takes, as the page has it."""
    page.wait_for_selector("#privacy:not(:empty)")
    page.evaluate("() => document.querySelector('#figures').replaceChildren()")
    page.set_input_files("#file", stream)
    page.wait_for_selector("tr[data-name=trellic]")
    return int(page.inner_text("tr[data-name=trellic] td:last-child").replace(",", ""))
