"""What the tests of the browser's decoder share: the golden model's decoder half, and running it under sanitizers."""

import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from conftest import GOLDEN
from trellic.model import Model
from trellic.web.pack import pack_decoder

HERE = Path(__file__).parent / "web"
DECODER = HERE.parent.parent / "web" / "decoder"
CODES = (
    "decoded", "NotAStream", "UnsupportedStream", "DamagedStream", "IncompleteStream", "PictureTooLarge",
    "MissingModel", "DamagedModel", "OutOfMemory",
)  # fmt: skip
"""Of the decoder, by number."""
SANITIZED = ["-std=c11", "-g", "-O1", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

node = pytest.mark.skipif(not shutil.which("node"), reason="needs node")
compiler = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def golden_half() -> bytes:
    """Return the decoder half of the golden model."""
    return pack_decoder(Model.read(GOLDEN / "golden.trm"))


def build_native(path: Path) -> Path:
    """Compile the native decoder with sanitizers."""
    sources = ["-I", str(DECODER), str(HERE / "native.c"), "-o", str(path), "-lm"]
    subprocess.run(["gcc", *SANITIZED, *sources], check=True)
    return path


def natively(program: Path, records: Iterable[tuple[str, bytes]]) -> list[list[str]]:
    """Return the words of the native decoder's line for each record: "m" and a decoder half, "p" and
    the same without its adapter, "s" and a stream."""
    given = b"".join(kind.encode() + struct.pack("<I", len(data)) + data for kind, data in records)
    done = subprocess.run([program], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[:2000]
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    return [[CODES[int(line[0])], *line[1:]] for line in lines]
