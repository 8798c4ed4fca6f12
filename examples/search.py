"""Find what is like a picture among streams, none of which is decoded.

python examples/search.py [PICTURES...]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

if len(sys.argv) > 1:
    images = {name: Image.open(name) for name in sys.argv[1:]}
else:  # parts of the photograph
    whole = Image.open(PHOTOGRAPH).convert("RGB")
    images = {f"{x},{y}": whole.crop((x, y, x + 256, y + 256)) for y in (0, 128, 256) for x in (0, 128, 256, 384)}

# An archive as it lies there: streams of many qualities.
streams = {
    name: trellic.encode(image, quality=80 - 30 * (number % 2)) for number, (name, image) in enumerate(images.items())
}

# A vector of each, from the first part of its stream; `trellic features` keeps them in a table.
vectors = {name: trellic.features(stream).vector for name, stream in streams.items()}
first = next(iter(vectors))
lengths = {name: float(np.linalg.norm(vector)) for name, vector in vectors.items()}
likeness = {name: float(vectors[name] @ vectors[first]) / (lengths[name] * lengths[first]) for name in vectors}
for name in sorted(likeness, key=likeness.__getitem__, reverse=True)[:4]:
    print(f"{likeness[name]:6.3f}  {name}")

# The end of the file is not needed: at quality 80, more than half of it.
cut = streams[first][: len(streams[first]) * 2 // 3]
print(
    f"{len(cut)} of {len(streams[first])} bytes give the same:",
    np.array_equal(trellic.features(cut).vector, vectors[first]),
)
