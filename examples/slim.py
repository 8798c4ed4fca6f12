"""Cut a small model from the shipped one for pictures of one kind, and train it for seconds. Needs trellic[train].

python examples/slim.py [FOLDER OF PICTURES [MINUTES]]
"""

import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.metrics import psnr
from trellic.model import find_model
from trellic.train.slim import make_slim


def terrain(seed: int) -> Image.Image:
    """Return a picture of hills under a sky, as a game draws them."""
    random = np.random.default_rng(seed)
    x, y = np.arange(256), np.arange(256)[:, None]
    picture = np.broadcast_to([110, 150, 220] + y[..., None] // 4, (256, 256, 3)).astype(float).copy()
    for layer in range(4):
        ridge = 90 + 40 * layer + 25 * np.sin(x / random.uniform(15, 40) + random.uniform(0, 6))
        picture[y >= ridge] = np.array([40, 90, 30]) * (0.6 + 0.15 * layer) + random.normal(0, 4, 3)
    return Image.fromarray(np.clip(picture + random.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))


if len(sys.argv) > 1:
    folder = Path(sys.argv[1])
    budget = {"minutes": float(sys.argv[2]) / 2} if len(sys.argv) > 2 else {}
else:
    folder, budget = Path("terrain"), {"steps": 5, "minutes": 0, "crop": 64, "warmup": 2}
    folder.mkdir(exist_ok=True)
    for number in range(4):
        terrain(number).save(folder / f"{number}.png")

# `trellic train --preset xslim FOLDER --out slim.trm` does the same.
paths = sorted(path for path in folder.iterdir() if path.is_file())
made = make_slim(find_model("base"), "xslim", paths, budget, Path("run"), Path("cache"), lambda entry: None)
Path("slim.trm").write_bytes(made.pack())

original = np.asarray(terrain(99) if len(sys.argv) < 2 else Image.open(paths[0]).convert("RGB"))
for name in ("base", "slim.trm"):
    codec = trellic.Codec(name, quantizer="tcq8")
    data = codec.encode(original, quality=50)
    codec.decode(data)
    start = time.process_time()
    shown = np.asarray(codec.decode(data))
    milliseconds = 1000 * (time.process_time() - start)
    print(f"{name}: {len(data)} bytes, {psnr(original, shown):.2f} dB, decoded in {milliseconds:.0f} ms")
