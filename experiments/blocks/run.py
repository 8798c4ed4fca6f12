"""Blocks of 128 pixels: what they save over tiles of that side, seams, regions of 100 megapixels, and memory.

Each third picture of a set is coded in tiles, each coded alone, and in blocks; and once whole, to compare edges with.
Large pictures are mosaics of training photographs, coded at effort 1: decoding time does not depend on it.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.blocks.strips import pictures, saved
from experiments.blocks.trial import trial
from experiments.large.run import mosaic, timed
from experiments.store import SETS, TEST, Line, keep, path_of
from trellic.codec import Codec, Target
from trellic.codec.attached import AttachedModel
from trellic.codec.picture_encoder import PictureEncoder
from trellic.codec.rate_control import Encoded
from trellic.container import Grid, Header
from trellic.container.bytes import Data
from trellic.container.header import HASH_BYTES, QUALITY_ONE
from trellic.files import open_bytes
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.metrics import psnr
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import readable
from trellic.picture.types import Picture, Pixels

SIDE, EVERY, QUALITIES = 128, 3, (10, 25, 40, 60)
LARGE, TILE, REGION, REGIONS = 10_000, 1024, 256, 7
STRIPS = (20, 50)
"""Qualities at which profiles of neighbours' indices are tried."""
WIDTH, HEIGHTS = 1024, (1024, 8192)


class Counted:
    """A file's bytes, which count how often they are read, and how many of them."""

    def __init__(self, data: Data) -> None:
        self.data, self.reads, self.taken = data, 0, 0

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, part: slice, /) -> bytes:
        found = self.data[part]
        self.reads, self.taken = self.reads + 1, self.taken + len(found)
        return found


def in_tiles(codec: Codec, picture: Picture, quality: float) -> Encoded:
    """Return a picture in tiles of SIDE, each coded alone, and restored by weights of its own, as any tile is."""
    grid = Grid(picture.width, picture.height, SIDE, SIDE)
    header = Header(codec.model.sha256[:HASH_BYTES], grid, 0, codec.quantizer.number, picture.grey)
    resources = AttachedModel(codec.sessions).resources
    encoder = PictureEncoder(picture, header, codec.deployed, resources, refinement=codec.refinement)
    return encoder.encode_at(round(quality * QUALITY_ONE))


def across_edges(pixels: Pixels) -> float:
    """Return the mean difference of samples across edges of blocks, in 8-bit units."""
    lines = pixels.astype(np.int32)
    sides = [lines, lines.transpose(1, 0, 2)]
    steps = [np.abs(one[SIDE::SIDE] - one[SIDE - 1 : -1 : SIDE][: len(one[SIDE::SIDE])]) for one in sides]
    return float(np.concatenate([one.ravel() for one in steps]).mean())


def rates(picture: Picture, blocks: Codec, whole: Codec) -> Line:
    """Code a picture at all qualities in tiles, in blocks, and whole: bytes, PSNR, bits of latents, steps at edges."""
    ways: dict[str, Callable[[float], Encoded]] = {
        "tiles": lambda quality: in_tiles(blocks, picture, quality),
        "blocks": lambda quality: blocks.encode_picture(picture, Target(quality)),
        "whole": lambda quality: whole.encode_picture(picture, Target(quality)),
    }
    found: Line = {"pixels": picture.width * picture.height}
    found["count"] = Grid(picture.width, picture.height, SIDE, SIDE).tiles
    for name, encode in ways.items():
        found[name] = []
        for quality in QUALITIES:
            coded = encode(quality)
            shown = blocks.decode_picture(coded.data).pixels
            error, steps = psnr(picture.pixels, shown), across_edges(shown)
            found[name].append((len(coded.data), error, coded.estimated_bits, steps))
    return found


def regions(path: Path, codec: Codec) -> Line:
    """Decode regions of a large stream; medians of what each takes."""
    random, found = np.random.default_rng(0), []
    for _ in range(REGIONS):
        left, top = (int(at) for at in random.integers(0, LARGE - REGION, 2))
        with open_bytes(path) as opened:
            data = Counted(opened)
            before, start = time.process_time(), time.perf_counter()
            codec.decode(data, (left, top, REGION, REGION))
        found.append((time.process_time() - before, time.perf_counter() - start, data.reads, data.taken))
    medians = [float(np.median(column)) for column in zip(*found, strict=True)]
    return dict(zip(("cpu_seconds", "seconds", "reads", "bytes"), medians, strict=True))


def large(folder: Path) -> Iterator[tuple[str, Callable[[], Line]]]:
    """Yield what is measured of large pictures, by name."""
    ways = {f"tiles of {TILE}": {}, f"blocks of {SIDE}": {"tile": SIDE, "predict": True}}

    def of_region(options: dict[str, Any]) -> Line:
        codec = Codec(threads=1, effort=1, **options)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "large.tlic"
            path.write_bytes(codec.encode_picture(Picture(mosaic(folder, LARGE)), Target()).data)
            regions(path, codec)  # warm
            return {"stream_bytes": path.stat().st_size, **regions(path, codec)}

    def of_memory(height: int) -> Line:
        with tempfile.TemporaryDirectory() as place:
            picture, stream, decoded = (
                str(Path(place) / name) for name in ("picture.png", "stream.tlic", "decoded.png")
            )
            Image.fromarray(np.tile(mosaic(folder, WIDTH), (height // WIDTH, 1, 1))).save(picture, compress_level=1)
            encode = timed("encode", picture, "-o", stream, "--tile", str(SIDE), "--predict", "--effort", "1")
            decode = timed("decode", stream, "-o", decoded)
            return {"encode": encode["peak_bytes"], "decode": decode["peak_bytes"]}

    for height in HEIGHTS:
        yield f"{WIDTH}×{height}", lambda height=height: of_memory(height)  # type: ignore[misc]
    for name, options in ways.items():
        yield name, lambda options=options: of_region(options)  # type: ignore[misc]


def run(data: Path) -> None:
    """Measure what is missing."""
    path = path_of("blocks")
    lines = [json.loads(text) for text in path.read_text().splitlines()[1:]] if path.exists() else []
    known = {(line["kind"], line["name"]) for line in lines}

    def measure(kind: str, name: str, work: Callable[[], Line]) -> None:
        if (kind, name) not in known:
            lines.append({"kind": kind, "name": name, **work()})
            keep("blocks", lines)
            complain(f"blocks: {kind} {name}")

    blocks, whole = Codec(threads=1, tile=SIDE, predict=True), Codec(threads=1)
    whole.refinement = blocks.refinement  # the default effort searches no blocks
    for group in TEST:
        files = [file for file, _ in find_files([str(data / SETS[group])], readable_suffixes())][::EVERY]
        for file, picture in readable(files, complain):
            measure(group, file.name, lambda picture=picture: rates(picture, blocks, whole))  # type: ignore[misc]
    chosen = data / "train" / "cid22", data / SETS["cid22"]
    for quality in STRIPS:
        training, others = pictures(chosen[0], 0, 18), pictures(chosen[1], 1, 6)
        measure("strips", str(quality), lambda: saved(whole, training, others, SIDE, quality))  # noqa: B023
    measure("trial", "blocks", lambda: trial(*chosen, others, SIDE))
    for name, work in large(data / "train" / "cid22"):
        measure("large", name, work)
