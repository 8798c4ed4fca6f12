"""Memory that streams take which were made to take much: as many pixels as are accepted, in tiles of awkward shapes.

Each is decoded in a fresh process, whose peak is measured: as an image in Python, and as a file by the command. A
tile is coded once, from a mosaic of cid22, and stands in a stream as often as fits. Some ten minutes of a core.
`python -m experiments.hostile.run ../shared/data whole wide` measures a few, and prints what it finds.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.large.run import mosaic
from experiments.store import SETS, keep
from trellic.codec import Codec
from trellic.codec.analysis import analyse
from trellic.codec.encoder import encode_latents
from trellic.codec.exact import pack
from trellic.container import Grid, Header, Section, SectionType, write_stream
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.evaluate.peak import LAUNCH, UNIT
from trellic.jobs.local import complain

QUALITY = 50 * QUALITY_ONE
IN_PYTHON = "import sys, trellic; trellic.{}(sys.argv[1]{})"


class Case(NamedTuple):
    """A stream of equal tiles, and how it is decoded.

    tile           its width and height
    columns, rows  of tiles
    kind           of units: latents, exact or exact_alpha
    grey, alpha    of the picture
    how            a function of trellic with arguments, or the suffix of a file that the command writes
    """

    tile: tuple[int, int]
    columns: int
    rows: int
    kind: SectionType = SectionType.LATENTS
    grey: bool = False
    alpha: bool = False
    how: tuple[str, str] | str = ("decode", "")


LARGE = (2880, 2880)
CASES = {
    "large tiles": Case(LARGE, 4, 4),
    "large tiles, grey": Case(LARGE, 4, 4, grey=True),
    "large tiles, alpha": Case(LARGE, 4, 4, alpha=True),
    "large tiles, exact": Case(LARGE, 4, 4, SectionType.EXACT),
    "large tiles, exact with alpha": Case(LARGE, 4, 4, SectionType.EXACT_ALPHA),
    "large tiles, a region of 16×16": Case(LARGE, 4, 4, how=("decode", ", crop=(2872, 2872, 16, 16)")),
    "large tiles, a preview": Case(LARGE, 4, 4, how=("preview", "")),
    "large tiles, to a PNG file": Case(LARGE, 4, 4, how=".png"),
    "tiles of 1024×1024": Case((1024, 1024), 11, 11),
    "tiles of 128×128": Case((128, 128), 90, 90),
    "a row of wide tiles": Case((1 << 17, 64), 16, 1),
    "a row of wide tiles, to a PNG file": Case((1 << 17, 64), 16, 1, how=".png"),
    "a row of tiles of 8192×64, alpha": Case((1 << 13, 64), 1 << 8, 1, alpha=True),
    "a row of small tiles": Case((128, 128), 1 << 13, 1),
    "a row of the smallest tiles, alpha": Case((128, 64), 1 << 14, 1, alpha=True),
    "a column of tall tiles": Case((64, 1 << 17), 1, 16),
}
"""By what they are called on the page: all of about 2^27 pixels, the default limit."""


def stream_of(case: Case, folder: Path) -> bytes:
    """Return a case's stream."""
    width, height = case.tile
    if width > 1 << 14 or height > 1 << 14:  # no mosaic of so long a side: the same columns or rows again
        part = mosaic(folder, 1 << 10)[:64, :]
        across = width > height
        pixels = np.tile(part, (1, width >> 10, 1)) if across else np.tile(part.swapaxes(0, 1), (height >> 10, 1, 1))
    else:
        pixels = mosaic(folder, max(case.tile))[:height, :width]
    codec = Codec(effort=1)
    grid = Grid(width * case.columns, height * case.rows, width, height)
    header = Header(codec.model.sha256[:HASH_BYTES], grid, QUALITY, codec.quantizer.number, case.grey)
    if case.kind == SectionType.LATENTS:
        analysed = analyse(codec.sessions, pixels, QUALITY)
        sections = [Section(SectionType.LATENTS, encode_latents(codec.sessions, analysed, codec.deployed).data)]
    else:
        flat = pixels // 64 * 64
        alpha = [flat[:, :, :1]] if case.kind == SectionType.EXACT_ALPHA else []
        sections = [Section(case.kind, pack(np.dstack([flat, *alpha])))]
    if case.alpha:
        sections.insert(0, Section(SectionType.ALPHA, pack(pixels[:, :, 0] // 64 * 64)))
    return write_stream(header, sections * grid.tiles)


def peak_of(case: Case, path: Path) -> int:
    """Return the most memory, in bytes, that a process takes which decodes a stream."""
    if isinstance(case.how, str):
        command = ["-m", "trellic", "decode", str(path), "-o", str(path.with_suffix(case.how)), "--force"]
    else:
        command = ["-c", IN_PYTHON.format(*case.how), str(path)]
    with tempfile.NamedTemporaryFile() as peak:
        launched = [sys.executable, "-I", "-S", "-c", LAUNCH, peak.name, sys.executable, *command]
        subprocess.run(launched, check=True, stdout=subprocess.DEVNULL)
        return int(Path(peak.name).read_text()) * UNIT


def measure(data: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what the cases whose names hold one of some words take."""
    for name, case in CASES.items():
        if any(word in name for word in names):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "stream.tlic")
                path.write_bytes(stream_of(case, data / SETS["cid22"]))
                yield {
                    "case": name, "width": case.tile[0] * case.columns, "height": case.tile[1] * case.rows,
                    "bytes": path.stat().st_size, "peak_bytes": peak_of(case, path),
                }  # fmt: skip


def run(data: Path) -> None:
    """Measure all of it anew."""
    lines = []
    for line in measure(data, [""]):
        complain(f"hostile: {line}")
        lines.append(line)
    keep("hostile", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    for line in measure(options.data, options.names):
        print(line, flush=True)
