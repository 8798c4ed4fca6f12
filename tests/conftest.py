"""Fixtures: small pictures, the shipped model, and a tiny model trained by nobody."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trellic.container import Header, Section, Stream
from trellic.errors import MissingLibrary
from trellic.picture.pillow import from_pillow, read
from trellic.picture.types import Picture

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Of torch, and in programs that tests start: where tests run side by side, threads that wait for others slow all."""

GOLDEN = Path(__file__).parent / "golden"


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return a smooth coloured picture with some noise, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phases = random.uniform(0, 6, 3)
    planes = [128 + 80 * np.sin(x / 17 + phase) * np.cos(y / 23 - phase) for phase in phases]
    return np.clip(np.stack(planes, axis=2) + random.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)


def sections_of(data: bytes) -> tuple[Header, list[Section]]:
    """Return a stream's header and all its sections, checksums proven."""
    stream = Stream.parse(data, sys.maxsize)
    return stream.header, [Section(entry.type, stream.read(entry)) for entry in stream.entries]


class Counted(bytes):
    """Bytes that count how often they are read, and how many of them."""

    def __init__(self, _: bytes) -> None:
        self.reads = self.taken = 0

    def __getitem__(self, part):
        found = super().__getitem__(part)
        self.reads += 1
        self.taken += len(found)
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three small pictures below `in`, one of them in a folder of its own."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "deep/c.png")):
        Image.fromarray(textured(40, 50, number)).save(tmp_path / "in" / name)
    return tmp_path


@pytest.fixture(scope="session")
def photograph() -> Picture:
    """The demonstration's picture."""
    from trellic.cli.demo import BUNDLED

    return read(BUNDLED)


@pytest.fixture(scope="session")
def small_picture() -> Picture:
    """A detail of the demonstration's picture, 96×80."""
    from trellic.cli.demo import BUNDLED

    with Image.open(BUNDLED) as image:
        return from_pillow(image.convert("RGB").crop((300, 100, 396, 180)))


@pytest.fixture(scope="session")
def codec():
    """The shipped model's codec."""
    from trellic import Codec

    return Codec(threads=2)


@pytest.fixture(scope="session")
def s3(worker_environment):
    """An S3-compatible server on this machine, and the URL of a bucket."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    values = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
    for name, value in values.items():
        worker_environment.setenv(f"AWS_{name}", value)
    import fsspec

    fsspec.filesystem("s3").mkdir("bucket")
    yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="session")
def worker_environment():
    """The environment, as long as tests run."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser for all tests, which are skipped where there is none."""
    from experiments.browser.chromium import chromium

    try:
        with chromium() as started:
            yield started
    except MissingLibrary as error:
        pytest.skip(str(error))
