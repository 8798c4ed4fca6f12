"""A picture to bytes and back, at a quality and at a size.

python examples/encode_decode.py [PICTURE]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.metrics import psnr

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

image = Image.open(sys.argv[1] if len(sys.argv) > 1 else PHOTOGRAPH).convert("RGB")

# Quality runs from 0 to 100. The result is the whole file, as bytes.
data = trellic.encode(image, quality=50)
decoded = trellic.decode(data)
print(f"quality 50: {len(data)} bytes, {psnr(np.asarray(image), np.asarray(decoded)):.2f} dB")

# A target instead of a quality: size is in bytes, at most so many. bpp and psnr work alike.
small = trellic.encode(image, size=8000)
assert len(small) <= 8000
print(f"8000 bytes at most: {len(small)} bytes at quality {trellic.info(small)['quality']:g}")

# What a file says of itself, and proof that it is whole: the hash of its indices is the same on every machine.
facts = trellic.info(data)
print(f"{facts['width']}×{facts['height']} by model {facts['model']}, indices {trellic.verify(data)[:16]}")

Path("photograph.tlic").write_bytes(data)
decoded.save("photograph.png")
