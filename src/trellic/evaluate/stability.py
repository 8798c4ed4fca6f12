"""Stability: what is left of a picture that is coded, decoded and coded again, many times.

A chain ends early where a file comes out as the one before it: then every later one does. Codecs are compared from the
same PSNR in the first generation on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from trellic.evaluate.codecs import LABELS
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.lines import Head, read_lines, write_lines
from trellic.evaluate.measure import fingerprint, nearest
from trellic.evaluate.report.tables import Table
from trellic.metrics import psnr
from trellic.picture.types import Pixels

SHOWN = (1, 2, 5, 10, 20)
"""Generations that tables show beside the last."""
HIGHEST_PSNR = 99.0
"""In dB: what comes back as it was counts as this."""


@dataclass(frozen=True)
class Chain:
    """A picture through a codec again and again at one setting.

    content      the picture's name by its pixels
    generations  how many were asked for
    fixed        the first generation whose file is that of the one before, or None
    bytes, psnr  of each generation up to that, in dB against the original; HIGHEST_PSNR where it is the original
    """

    codec: str
    group: str
    picture: str
    content: str
    quality: float
    setting: float
    generations: int
    fixed: int | None
    bytes: tuple[int, ...]
    psnr: tuple[float, ...]

    @classmethod
    def read(cls, line: dict[str, Any]) -> "Chain":
        """Return the chain of a line of JSON. Raises TypeError or KeyError."""
        return cls(**{**line, "bytes": tuple(line["bytes"]), "psnr": tuple(line["psnr"])})

    def at(self, generation: int) -> float:
        """Return the PSNR of a generation, from 1 on, in dB."""
        return self.psnr[min(generation, len(self.psnr)) - 1]

    @property
    def loss(self) -> float:
        """What is lost from the first generation to the last, in dB."""
        return self.psnr[0] - self.psnr[-1]

    @property
    def largest_growth(self) -> float:
        """The most that a file is larger than the one before it, as a fraction; negative where all shrink."""
        return max((after / before - 1 for before, after in zip(self.bytes, self.bytes[1:], strict=False)), default=0.0)


def generations_of(
    codec: ImageCodec, pixels: Pixels, setting: float, count: int
) -> tuple[int | None, tuple[int, ...], tuple[float, ...]]:
    """Return which generation is fixed, and bytes and PSNR in dB of each of `count`, or of those up to that.

    pixels  uint8 (H, W, 3)
    """
    shown, before = pixels, b""
    sizes: list[int] = []
    decibels: list[float] = []
    for number in range(1, count + 1):
        data = codec.encode(shown, setting)
        if data == before:
            return number, tuple(sizes), tuple(decibels)
        decoded = codec.decode(data)
        shown, before = decoded[: pixels.shape[0], : pixels.shape[1]], data  # a codec of even sides adds some
        sizes.append(len(data))
        decibels.append(min(psnr(pixels, shown), HIGHEST_PSNR))
    return None, tuple(sizes), tuple(decibels)


def setting_for(codec: ImageCodec, pixels: Pixels, wanted: float) -> float:
    """Return the setting whose PSNR is nearest to the one wanted, in dB."""
    most = HIGHEST_PSNR  # of pictures that come back as they were: differences to it are numbers
    return nearest(codec, pixels, min(wanted, most), lambda coded: min(psnr(pixels, coded.pixels), most))[0]


def chains_table(chains: Sequence[Chain]) -> Table:
    """Return a row a codec: mean PSNR at some generations, what is lost, how many chains are fixed, how files grow."""
    last = max((chain.generations for chain in chains), default=1)
    shown = [generation for generation in SHOWN if generation < last] + [last]
    rows = []
    for name in dict.fromkeys(chain.codec for chain in chains):
        own = [chain for chain in chains if chain.codec == name]
        fixed = sum(chain.fixed is not None for chain in own)
        growth = max(chain.largest_growth for chain in own)
        rows.append([
            LABELS.get(name, name), *(f"{mean(chain.at(number) for chain in own):.2f}" for number in shown),
            f"{mean(chain.loss for chain in own):.2f}", f"{fixed} of {len(own)}", f"{100 * growth:.1f} %",
        ])  # fmt: skip
    head = ["generation", *map(str, shown), "lost (dB)", "fixed", "largest growth"]
    return Table(head, rows)


class Chains:
    """Chains in a file of JSON lines, a head first; what is in it is not measured again."""

    def __init__(self, path: Path | None, codecs: Sequence[ImageCodec], command: str) -> None:
        """Read what the file has, of codecs as they are now. Raises BadRequest where it holds something else."""
        self.path, self.head, self.chains = path, Head(), list[Chain]()
        if path and path.exists():
            self.head, self.chains = read_lines(path, Chain.read)
        changed = self.head.prepare(codecs, command)
        self.chains = [chain for chain in self.chains if chain.codec not in changed]

    def measure(
        self, ours: ImageCodec, rivals: Sequence[ImageCodec], group: str, picture: str, pixels: Pixels,
        quality: float, generations: int,
    ) -> list[Chain]:  # fmt: skip
        """Return the chains of a picture: of a codec at a quality, and of rivals from the same PSNR on."""
        content = fingerprint(pixels)
        found: list[Chain] = []
        for codec in (ours, *rivals):
            key = (codec.name, content, quality, generations)
            known = [one for one in self.chains if (one.codec, one.content, one.quality, one.generations) == key]
            if not known:
                setting = quality if codec is ours else setting_for(codec, pixels, found[0].psnr[0])
                made = generations_of(codec, pixels, setting, generations)
                known = [Chain(codec.name, group, picture, content, quality, setting, generations, *made)]
                self.chains += known
                if self.path:
                    write_lines(self.path, self.head, self.chains)
            found += known
        return found
