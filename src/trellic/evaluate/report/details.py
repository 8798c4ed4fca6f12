"""The same detail of a picture from every codec, at equal bytes of the whole picture: files to look at.

The first codec sets the bytes, by its file nearest to LOOK_AT bits per pixel; every other takes the setting that comes
nearest, of all that it has. The folder keeps what was made, and how, in details.json.
"""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.measure import Coded, Record, code, figures, fingerprint, nearest_in_size
from trellic.evaluate.report.sheet import busiest_corner
from trellic.files import write_bytes
from trellic.picture.types import Pixels

LOOK_AT = 0.3
"""Bits per pixel: few enough for codecs to differ visibly."""
SIDE = 384
FOLDER = "details"
KEPT = "details.json"

Item = TypeVar("Item")
Detail = dict[str, Any]
"""A codec's detail: codec, about, picture, content, wanted, bytes, psnr, file, original."""


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return `count` of the items, evenly spaced, or all where there are fewer."""
    chosen = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[number] for number in chosen]


def read_details(folder: Path) -> list[Detail]:
    """Return the details that a report's folder keeps."""
    path = folder / FOLDER / KEPT
    return list(json.loads(path.read_text())) if path.exists() else []


def make_details(
    codecs: Sequence[ImageCodec], picture: str, pixels: Pixels, records: Sequence[Record], folder: Path
) -> None:
    """Write the missing details of a picture below `folder`.

    The picture, uint8 (H, W, 3), has records of every codec. Raises PeerFailed.
    """
    content = fingerprint(pixels)
    own = [record for record in records if record.content == content]
    chosen = min(
        (record for record in own if record.codec == codecs[0].name), key=lambda r: abs(math.log(r.bpp / LOOK_AT))
    )
    top, left = busiest_corner(pixels, SIDE)

    def write(name: str, shown: Pixels) -> None:
        buffer = io.BytesIO()
        detail = np.ascontiguousarray(shown[top : top + SIDE, left : left + SIDE])
        Image.fromarray(detail).save(buffer, "WEBP", lossless=True)
        write_bytes(folder / name, buffer.getvalue())

    original = f"{FOLDER}/{content}-original.webp"
    if not (folder / original).exists():
        write(original, pixels)
    for codec in codecs:
        identity = {"codec": codec.name, "about": codec.about, "content": content, "wanted": chosen.bytes}
        name = f"{FOLDER}/{content}-{codec.name}.webp"
        kept = read_details(folder)
        if (folder / name).exists() and any(identity.items() <= entry.items() for entry in kept):
            continue
        coded = _coded(codec, pixels, own, chosen, codec is codecs[0])
        write(name, coded.pixels)
        shown = {"picture": picture, "bytes": coded.bytes, **figures(pixels, coded.pixels, ("psnr",))}
        kept = [entry for entry in kept if (entry["codec"], entry["content"]) != (codec.name, content)]
        text = json.dumps([*kept, {**identity, **shown, "file": name, "original": original}], indent=1)
        write_bytes(folder / FOLDER / KEPT, text.encode())


def _coded(codec: ImageCodec, pixels: Pixels, records: Sequence[Record], chosen: Record, first: bool) -> Coded:
    """Return the first codec's chosen file, or another's that is nearest to it in size."""
    if first:
        return code(codec, pixels, chosen.setting)
    sizes = {record.setting: record.bytes for record in records if record.codec == codec.name}
    return nearest_in_size(_between(codec, sizes, chosen.bytes), pixels, chosen.bytes)[1]


def _between(codec: ImageCodec, sizes: dict[float, int], wanted: int) -> ImageCodec:
    """Return the codec with only the settings that known sizes leave possible: a search then takes few trials."""
    below = [number for number, setting in enumerate(codec.settings) if sizes.get(setting, wanted + 1) <= wanted]
    above = [number for number, setting in enumerate(codec.settings) if sizes.get(setting, wanted) > wanted]
    low = max(below, default=0)
    high = min((number for number in above if number > low), default=len(codec.settings) - 1)
    return codec._replace(settings=codec.settings[low : high + 1])
