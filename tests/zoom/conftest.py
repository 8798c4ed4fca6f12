"""A stream of blocks, and its tiles served."""

import threading

import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.container import Stream
from trellic.picture.types import Picture
from trellic.serve.server import Server
from trellic.zoom.site import TileSite
from trellic.zoom.source import TileSource


@pytest.fixture(scope="session")
def tiny():
    return Codec(str(GOLDEN / "golden.trm"), 1, tile=128, predict=True)


@pytest.fixture(scope="session")
def stream(tiny):
    """A stream of five levels."""
    return Stream.parse(tiny.encode_picture(Picture(textured(700, 2200)), Target(90)).data)


@pytest.fixture
def source(tiny, stream):
    return TileSource(tiny, stream, "png")


@pytest.fixture
def server(source):
    """A server of the tiles, running."""
    with Server(TileSite(source, "name"), "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
