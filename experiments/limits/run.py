"""Where another codec is the better choice: screenshots, and the most quality that there is."""

from pathlib import Path

from experiments.store import measure, ours
from trellic.evaluate.codecs.pillow import WEBP_USUAL

QUALITIES = (0, 25, 50, 75, 100)


def run(data: Path) -> None:
    """Measure what is missing."""
    codecs = [WEBP_USUAL._replace(curve=WEBP_USUAL.curve[1::2]), ours()._replace(curve=QUALITIES)]
    measure("limits", codecs, [data / "test" / "gb82_screens"], ("psnr",))
