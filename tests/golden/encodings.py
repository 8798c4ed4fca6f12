"""Pin what encoders make of the demonstration's photograph and of waves: `python tests/golden/encodings.py`.

To be run when a model ships, and when files are meant to change; then the changelog says so.
"""

import json
from pathlib import Path

from PIL import Image

from golden.pictures import QUALITY, TILE, waves
from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.metrics import psnr
from trellic.picture.pillow import picture_of, read
from trellic.picture.types import Picture
from trellic.quantize import QUANTIZERS

HERE = Path(__file__).parent
PINNED = HERE / "encodings.json"
QUALITIES = (15, 50, 85)
WAVES = (*(quantizer.name for quantizer in QUANTIZERS), "tiles", "restored_bands")
"""Named as the golden streams are."""


def made_of_waves(name: str) -> tuple[int, float]:
    """Return the bytes and the PSNR of waves, with the golden model."""
    several = name in ("tiles", "restored_bands")
    quantizer = "tcq8" if several else name
    codec = Codec(str(HERE / "golden.trm"), quantizer=quantizer, tile=TILE, restore=name == "restored_bands")
    image = waves(400, 90) if several else waves()
    exif = Image.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    return _made(codec, picture_of(image), QUALITY)


def made_of_photograph(codec: Codec, quality: float) -> tuple[int, float]:
    """Return the bytes and the PSNR of the photograph."""
    return _made(codec, read(BUNDLED), quality)


def _made(codec: Codec, picture: Picture, quality: float) -> tuple[int, float]:
    data = codec.encode_picture(picture, Target(quality)).data
    return len(data), round(psnr(picture.pixels, codec.decode_picture(data).pixels), 3)


def main() -> None:
    codec = Codec()
    photograph = {quality: made_of_photograph(codec, quality) for quality in QUALITIES}
    pinned = {
        "model": codec.model.name,
        "photograph": photograph,
        "waves": {name: made_of_waves(name) for name in WAVES},
    }
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n")


if __name__ == "__main__":
    main()
