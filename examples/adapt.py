"""Adapt the shipped model to pictures of one kind in seconds, and code one with the adapter. Needs trellic[train].

python examples/adapt.py [FOLDER OF PICTURES [MINUTES]]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.model import Model, find_model
from trellic.train.adapt import Adaptation, adapt


def fabric(seed: int) -> Image.Image:
    """Return a picture of woven stripes: nothing that the model was trained on."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:192, 0:192] + random.integers(0, 60, 2)[:, None, None]
    weave = np.where((x % 6 < 3) ^ (y % 10 < 5), 40, -40)[..., None] * random.uniform(0.5, 1, 3)
    return Image.fromarray(np.clip(128 + weave + random.normal(0, 3, weave.shape), 0, 255).astype(np.uint8))


if len(sys.argv) > 1:
    folder = Path(sys.argv[1])
    how = Adaptation(minutes=float(sys.argv[2]) if len(sys.argv) > 2 else 4.0)
else:
    folder, how = Path("fabric"), Adaptation(rank=1, parts=("entropy", "synthesis"), steps=40, crop=64)
    folder.mkdir(exist_ok=True)
    for number in range(5):
        fabric(number).save(folder / f"{number}.png")

# `trellic adapt FOLDER --out fabric.tra` does the same: it keeps an adapter only where validation pictures get smaller.
paths = sorted(path for path in folder.iterdir() if path.is_file())
made = adapt(Model.read(find_model("base")), paths, how, print)
Path("fabric.tra").write_bytes(made.adapter.pack())
print(
    f"adapter {made.adapter.name}: {len(made.adapter.pack())} bytes, {made.saved_percent:.1f} % fewer bits, "
    f"pays after {made.pays_after} pictures"
)

# A stream that carries its adapter decodes anywhere; otherwise it names the adapter, which the decoder must have.
original = fabric(99) if len(sys.argv) < 2 else Image.open(paths[0])
named = trellic.encode(original, quality=50, adapter="fabric.tra")
carried = trellic.encode(original, quality=50, adapter="fabric.tra", embed=True)
trellic.decode(carried).save("fabric.png")
print(f"{len(trellic.encode(original, quality=50))} bytes without, {len(named)} with, {len(carried)} with it inside")
