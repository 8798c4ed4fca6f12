"""Pillow reads and writes .tlic files once the plugin is imported; so does everything that is built on Pillow.

python examples/pillow_plugin.py [PICTURE]
"""

import sys
from pathlib import Path

from PIL import Image

import trellic.pillow

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"

with Image.open(sys.argv[1] if len(sys.argv) > 1 else PHOTOGRAPH) as image:
    image.save("photograph.tlic", quality=30)

# Opening reads the header; pixels are decoded when they are first needed.
with Image.open("photograph.tlic") as stored:
    print(stored.format, stored.mode, stored.size)
    stored.convert("L").resize((96, 64)).save("thumbnail.png")
