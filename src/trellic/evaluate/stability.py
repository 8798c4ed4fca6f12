"""Stability: what is left of a picture that is coded, decoded and coded again, many times.

A chain ends early where a file comes out as the one before it: then every later one does. Codecs are compared from the
same PSNR in the first generation on.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from trellic.errors import BadRequest
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.measure import Head, fingerprint, nearest
from trellic.evaluate.report.tables import Table
from trellic.files import write_bytes
from trellic.metrics import psnr
from trellic.picture.types import Pixels
from trellic.provenance import commit, machine

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
        """Read what the file has, of codecs as they are set now. Raises BadRequest where it holds something else."""
        self.path, self.chains = path, list[Chain]()
        about = {codec.name: codec.about for codec in codecs}
        known: dict[str, str] = {}
        if path and path.exists():
            try:
                head, *lines = map(json.loads, path.read_text().splitlines())
                known = head["codecs"]
                found = [Chain.read(line) for line in lines]
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise BadRequest(f"{path} is no file of chains; choose another file") from error
            self.chains = [chain for chain in found if about.get(chain.codec, "") in {"", known.get(chain.codec)}]
        model = next((codec.model for codec in codecs if codec.model), "")
        self.head = Head(command, commit(), machine(), model, {**known, **about})

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
                self._write()
            found += known
        return found

    def _write(self) -> None:
        """Write the file, whole or not at all."""
        if self.path:
            lines = [asdict(self.head), *(asdict(chain) for chain in self.chains)]
            text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
            write_bytes(self.path, text.encode())
