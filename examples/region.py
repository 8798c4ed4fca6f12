"""A large picture is coded in tiles; a region of it is decoded without the rest.

python examples/region.py [PICTURE]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import trellic
from trellic.files import open_bytes

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

if len(sys.argv) > 1:
    image = Image.open(sys.argv[1]).convert("RGB")
else:  # four copies of the photograph
    image = Image.fromarray(np.tile(np.asarray(Image.open(PHOTOGRAPH).convert("RGB")), (2, 2, 1)))

# A Codec keeps its model loaded. Tiles are of about 1024 pixels by default; here they are small.
codec = trellic.Codec(tile=512)
path = Path("large.tlic")
path.write_bytes(codec.encode(image, quality=40))
print(f"{image.width}×{image.height} in {trellic.info(path.read_bytes())['tiles']} tiles")

# x, y, width, height. From a file, only the tiles that the region touches are read.
with open_bytes(path) as data:
    region = trellic.decode(data, crop=(500, 300, 200, 160))
region.save("region.png")

# The same pixels as in the whole picture, but for a level beside the edges of what was decoded.
whole = np.asarray(codec.decode(path.read_bytes()))[300:460, 500:700].astype(int)
print(f"largest difference to the whole picture: {np.abs(np.asarray(region) - whole).max()}")
