"""Rate-distortion curves that others published."""

import json
from pathlib import Path

from trellic.errors import BadRequest
from trellic.evaluate.summary import Points

Published = dict[str, dict[str, Points]]

SAME = {
    "jpeg": ("jpeg",),
    "jpeg-usual": ("jpeg",),
    "webp": ("webp",),
    "webp-usual": ("webp",),
    "avif": ("av1",),
    "jpeg2000": ("jpeg2000",),
    "hevc": ("bpg444", "hm"),
    "vvc": ("vtm", "vtm18.0"),
}
"""Published curves, by their usual names, of encoders of the same format as a codec here."""


def read_published(path: Path) -> Published:
    """Return curves of (bits per pixel, PSNR) by set and by name, from a file of {set: {name: {"bpp_psnr": …}}}.

    Raises BadRequest where it is none.
    """
    try:
        return {
            group: {name: [(float(x), float(y)) for x, y in curve["bpp_psnr"]] for name, curve in curves.items()}
            for group, curves in json.loads(path.read_text()).items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        shape = '{"folder": {"name": {"bpp_psnr": [[0.2, 32.1], …]}}}'
        raise BadRequest(f"{path} holds no published curves: {shape} is wanted") from error
