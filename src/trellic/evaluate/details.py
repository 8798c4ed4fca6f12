"""The same detail of a picture from every codec, at equal bytes of the whole picture: files to look at.

The first codec sets the bytes, by its file nearest to LOOK_AT bits a pixel; every other takes the setting that comes
nearest, of all that it has.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from trellic.evaluate.compare import Results, figures, fingerprint
from trellic.evaluate.peers import Peer, measure, nearest_in_size
from trellic.evaluate.sheet import busiest_corner
from trellic.files import write_atomically
from trellic.picture.types import Pixels

LOOK_AT = 0.3
"""Bits a pixel: few enough for codecs to differ visibly."""
SIDE = 384
FOLDER = "details"

Item = TypeVar("Item")


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return `count` of the items, evenly spaced, or all where there are fewer."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]


def measure_details(peers: Sequence[Peer], image: str, pixels: Pixels, results: Results, folder: Path) -> bool:
    """Write what is missing of a picture's details below `folder`; return whether anything was.

    The picture, uint8 (H, W, 3), has records of every codec. Raises PeerFailed.
    """
    content = fingerprint(pixels)
    first = peers[0]
    chosen = min(
        results.of("records", codec=first.name, image=image), key=lambda entry: abs(math.log(entry["bpp"] / LOOK_AT))
    )
    wanted = chosen["bytes"]
    top, left = busiest_corner(pixels, SIDE)
    written = False

    def write(name: str, shown: Pixels) -> None:
        buffer = io.BytesIO()
        detail = np.ascontiguousarray(shown[top : top + SIDE, left : left + SIDE])
        Image.fromarray(detail).save(buffer, "WEBP", lossless=True)
        write_atomically(folder / name, lambda file: file.write(buffer.getvalue()))

    original = f"{FOLDER}/{content}-original.webp"
    if not (folder / original).exists():
        write(original, pixels)
    for peer in peers:
        name = f"{FOLDER}/{content}-{peer.name}.webp"
        known = results.of("details", codec=peer.name, content=content, wanted=wanted)
        if known and (folder / name).exists():
            continue
        if peer is first:
            setting, point = chosen["setting"], measure(first, pixels, chosen["setting"])
        else:
            setting, point = nearest_in_size(_between(peer, results, image, wanted), pixels, wanted)
        write(name, point.pixels)
        results.lists["details"] = [
            entry for entry in results.lists["details"] if (entry["codec"], entry["content"]) != (peer.name, content)
        ]
        results.lists["details"].append({
            "codec": peer.name,
            "image": image,
            "content": content,
            "wanted": wanted,
            "setting": setting,
            **figures(pixels, point),
            "file": name,
            "original": original,
        })  # fmt: skip
        written = True
    return written


def _between(peer: Peer, results: Results, image: str, wanted: int) -> Peer:
    """Return the peer with only the settings that its records leave possible: a search then takes few trials."""
    sizes = {entry["setting"]: entry["bytes"] for entry in results.of("records", codec=peer.name, image=image)}
    below = [number for number, setting in enumerate(peer.settings) if sizes.get(setting, wanted + 1) <= wanted]
    above = [number for number, setting in enumerate(peer.settings) if sizes.get(setting, wanted) > wanted]
    low = max(below, default=0)
    high = min((number for number in above if number > low), default=len(peer.settings) - 1)
    return peer._replace(settings=peer.settings[low : high + 1])
