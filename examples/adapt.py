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


def drawing(seed: int) -> Image.Image:
    """Return a picture of overlapping waves: nothing that the model was trained on."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:256, 0:256] / 256
    planes = [np.zeros((256, 256)) for _ in range(3)]
    for _ in range(12):
        across, down, phase = random.uniform(-60, 60), random.uniform(-60, 60), random.uniform(0, 6)
        for plane in planes:
            plane += random.uniform(0, 12) * np.sign(np.sin(across * x + down * y + phase))
    return Image.fromarray(np.clip(np.stack(planes, axis=2) + 128, 0, 255).astype(np.uint8))


if len(sys.argv) > 1:
    folder = Path(sys.argv[1])
    how = Adaptation(minutes=float(sys.argv[2]) if len(sys.argv) > 2 else 4.0)
else:
    folder, how = Path("waves"), Adaptation(rank=1, parts=("analysis", "synthesis"), steps=24, rate=3e-3)
    folder.mkdir(exist_ok=True)
    for number in range(5):
        drawing(number).save(folder / f"{number}.png")

# `trellic adapt FOLDER --out waves.tra` does the same: it keeps an adapter only where validation pictures get smaller.
paths = sorted(path for path in folder.iterdir() if path.is_file())
made = adapt(Model.read(find_model("base")), paths, how, print)
Path("waves.tra").write_bytes(made.adapter.pack())
print(
    f"adapter {made.adapter.name}: {len(made.adapter.pack())} bytes, {made.saved_percent:.1f} % fewer bits, "
    f"pays after {made.pays_after} pictures"
)

# A stream that carries its adapter decodes anywhere; otherwise it names the adapter, which the decoder must have.
original = drawing(99) if len(sys.argv) < 2 else Image.open(paths[0])
named = trellic.encode(original, quality=50, adapter="waves.tra")
carried = trellic.encode(original, quality=50, adapter="waves.tra", embed=True)
trellic.decode(carried).save("waves.png")
print(f"{len(trellic.encode(original, quality=50))} bytes without, {len(named)} with, {len(carried)} with it inside")
