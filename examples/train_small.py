"""Train a tiny model for seconds, export it, and code a picture with it. Needs trellic[train].

python examples/train_small.py [FOLDER OF PICTURES]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.metrics import psnr
from trellic.train.config import TrainConfig
from trellic.train.run import export_run, run_config

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

if len(sys.argv) > 1:
    folder = sys.argv[1]
else:  # parts of the photograph: enough to see a loss fall
    folder = "pictures"
    Path(folder).mkdir(exist_ok=True)
    image = Image.open(PHOTOGRAPH).convert("RGB")
    for number, left in enumerate((0, 256, 512)):
        image.crop((left, 0, left + 256, 512)).save(Path(folder) / f"{number}.png")

# A recipe as `trellic train --config` reads it from TOML. The released model's is train/recipes/long.toml: wider, and
# trained for hours on hundreds of pictures.
config = TrainConfig.from_values(
    {
        "pictures": [folder],
        "validation": [folder],
        "steps": 40,
        "batch": 4,
        "crop": 64,
        "warmup": 5,
        "average": 10,
        "design": {
            "latents": 48,
            "transform": {"fine": [1, 1, 32], "coarse": [1, 1, 64]},
            "prior": {"groups": [16, 32], "z": 16, "features": 32},
        },
    }
)
run_config(config, Path("run"), Path("cache"), lambda entry: print(entry.get("message") or entry.get("loss", "")))
model = export_run(Path("run"), "tiny example")
Path("tiny.trm").write_bytes(model.pack())
print(f"tiny.trm: model {model.name}, {len(model.pack())} bytes")

# Any codec takes a model by its path. Streams name it by hash.
picture = next(Path(folder).glob("*.png"))
original = Image.open(picture).convert("RGB")
codec = trellic.Codec("tiny.trm", quantizer="uniform")
data = codec.encode(original, quality=50)
print(f"{picture}: {len(data)} bytes, {psnr(np.asarray(original), np.asarray(codec.decode(data))):.2f} dB")
