"""Pin what the shipped model makes of the demonstration's photograph: `python tests/golden/photograph.py`.

To be run when a model ships, and when its files are meant to change; then the changelog says so.
"""

import json
from pathlib import Path

from trellic.cli.demo import BUNDLED
from trellic.codec import Codec, Target
from trellic.metrics import psnr
from trellic.picture.pillow import read

QUALITIES = (15, 50, 85)


def main() -> None:
    codec, picture = Codec(), read(BUNDLED)
    found = {}
    for quality in QUALITIES:
        data = codec.encode_picture(picture, Target(quality)).data
        found[quality] = len(data), round(psnr(picture.pixels, codec.decode_picture(data).pixels), 3)
    text = json.dumps({"model": codec.model.name, "by_quality": found}, indent=1)
    (Path(__file__).parent / "photograph.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
