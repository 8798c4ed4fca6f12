"""What eight bits save of the model file, and what they cost in bits at equal PSNR, on validation and test pictures.

The shipped model is compact. The one that it was before, which its card names, must be installed: the last step but
one of the recipe `long` makes it.
"""

from pathlib import Path

from experiments.store import SETS, keep
from trellic import Codec
from trellic.codec import Target
from trellic.evaluate.bdrate import bd_rate
from trellic.jobs.local import complain
from trellic.metrics import psnr
from trellic.model import DEFAULT, Model, find_model
from trellic.picture.pillow import read
from trellic.picture.types import Picture
from trellic.web.pack import pack_decoder

QUALITIES = (5, 20, 35, 50, 65, 80, 95)
EVERY = {"cid22": 6, "kodak": 4, "gb82": 5}
"""One picture in so many of a set."""


def run(data: Path) -> None:
    """Measure all of it anew, on one thread."""
    after = Model.read(find_model(DEFAULT))
    before = Model.read(find_model(after.card["compacted"]))
    codecs = Codec(before.name, threads=1), Codec(threads=1)
    sizes = [[len(model.pack()), len(pack_decoder(model))] for model in (before, after)]
    lines = []
    for name, every in EVERY.items():
        for path in sorted((data / SETS[name]).iterdir())[::every]:
            picture = Picture(read(path).pixels)
            curves = [_curve(codec, picture) for codec in codecs]
            percent = bd_rate(*curves).percent
            lines.append({"set": name, "picture": path.name, "percent": percent, "curves": curves})
            complain(f"compact: {name} {path.name} {percent:+.2f} %")
    setting = {"qualities": QUALITIES, "quantizer": codecs[0].quantizer.name, "before": before.name, "sizes": sizes}
    keep("compact", [setting, *lines])


def _curve(codec: Codec, picture: Picture) -> list[tuple[float, float]]:
    """Return bits a pixel and PSNR at each quality."""
    streams = [codec.encode_picture(picture, Target(quality)).data for quality in QUALITIES]
    pixels = picture.pixels.size / 3
    return [(8 * len(stream) / pixels, psnr(picture.pixels, codec.decode_picture(stream).pixels)) for stream in streams]
