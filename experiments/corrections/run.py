"""What corrected scales save on test pictures: files of the shipped model beside those of the same without its weights.

Quantizer and tables stay, and so do indices and pictures: bytes alone differ. Times are of decoding latents and
checksums, without the picture (`Codec.verify`), by turns on one thread.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.store import SETS, keep
from trellic import Codec
from trellic.jobs.local import complain
from trellic.model import DEFAULT, Model, find_model
from trellic.picture.pillow import read
from trellic.tune.fit_corrections import with_weights

QUALITIES = (5, 20, 35, 50, 65, 80, 95)
EVERY = {"cid22": 4, "kodak": 1, "gb82": 1}
"""One picture in so many of a set."""
TIMES = 7


def run(data: Path) -> None:
    """Measure all of it anew, on one thread."""
    shipped = Model.read(find_model(DEFAULT))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plain.trm"
        path.write_bytes(with_weights(shipped, {}).pack())
        codecs = Codec(str(path), threads=1), Codec(threads=1)
    lines = []
    for name, every in EVERY.items():
        for path in sorted((data / SETS[name]).iterdir())[::every]:
            pixels = read(path).pixels
            streams = [[codec.encode(pixels, quality) for quality in QUALITIES] for codec in codecs]
            seconds = [_seconds(codec, each[len(QUALITIES) // 2]) for codec, each in zip(codecs, streams, strict=True)]
            found = [[len(stream) for stream in each] for each in streams]
            lines.append({"set": name, "picture": path.name, "bytes": found, "seconds": seconds})
            complain(f"corrections: {name} {path.name} {sum(found[1]) / sum(found[0]) - 1:+.2%}")
    weights = [step.correction for step in shipped.schedule.passes if step.correction]
    setting = {"qualities": QUALITIES, "quantizer": codecs[1].quantizer.name, "weights": weights}
    keep("corrections", [setting, *lines])


def _seconds(codec: Codec, stream: bytes) -> float:
    """Return the least processor time of decoding a stream's latents."""
    taken = []
    for _ in range(TIMES):
        start = time.thread_time()
        codec.verify(stream)
        taken.append(time.thread_time() - start)
    return min(taken)
