"""What tuning for SSIMULACRA2 gains by that measure, and what it costs by PSNR, on validation and test pictures."""

from pathlib import Path

from experiments.store import SETS, keep
from trellic import Codec
from trellic.codec import Target
from trellic.codec.visibility import TUNES
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.ssimulacra2 import ssimulacra2
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.picture.pillow import read
from trellic.picture.types import Picture

QUALITIES = (15, 30, 45, 60, 75)
EVERY = {"cid22": 9, "kodak": 6, "gb82": 8}
"""One picture in so many of a set."""
MEASURES = {"ssimulacra2": ssimulacra2, "psnr": psnr}


def run(data: Path) -> None:
    """Measure all of it anew, on one thread."""
    codec = Codec(threads=1)
    lines = []
    for name, every in EVERY.items():
        for path in sorted((data / SETS[name]).iterdir())[::every]:
            picture = Picture(read(path).pixels)
            curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
            for tune in TUNES:
                streams = [codec.encode_picture(picture, Target(quality, tune=tune)).data for quality in QUALITIES]
                shown = [codec.decode_picture(stream).pixels for stream in streams]
                rates = [8 * len(stream) * 3 / picture.pixels.size for stream in streams]
                curves[tune] = {
                    measure: list(zip(rates, (of(picture.pixels, pixels) for pixels in shown), strict=True))
                    for measure, of in MEASURES.items()
                }
            before, after = (curves[tune] for tune in TUNES)
            saved = {measure: bd_rate(before[measure], after[measure]).percent for measure in MEASURES}
            lines.append({"set": name, "picture": path.name, "percent": saved, "curves": curves})
            complain(f"tune: {name} {path.name} {saved['ssimulacra2']:+.2f} {saved['psnr']:+.2f} %")
    keep("tune", [{"qualities": QUALITIES, "quantizer": codec.quantizer.name}, *lines])
