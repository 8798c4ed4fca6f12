"""What the encoder makes is pinned: its files do not grow, and its pictures get no worse, unnoticed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from golden.pictures import QUALITY, TILE, waves
from trellic import Codec
from trellic.codec import Target
from trellic.codec.analysis import analyse
from trellic.metrics import psnr
from trellic.quantize import QUANTIZERS

PHOTOGRAPH = Path(__file__).parent.parent / "golden" / "photograph.json"


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", [*(quantizer.name for quantizer in QUANTIZERS), "tiles", "restored_bands"])
def test_encoding_makes_files_like_the_golden_ones(name):
    image = waves(400, 90) if name in ("tiles", "restored_bands") else waves()
    quantizer = name if name not in ("tiles", "restored_bands") else "tcq8"
    codec = Codec(str(GOLDEN / "golden.trm"), quantizer=quantizer, tile=TILE, restore=name == "restored_bands")
    golden = (GOLDEN / f"{name}.tlic").read_bytes()
    exif = Image.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    data = codec.encode(image, QUALITY)
    assert len(data) == pytest.approx(len(golden), rel=0.005)
    before, after = (psnr(rgb(image), rgb(codec.decode(each))) for each in (golden, data))
    assert after == pytest.approx(before, abs=0.02)


def test_a_picture_is_continued_by_its_edges():
    sessions, pixels = Codec(str(GOLDEN / "golden.trm"), 1).sessions, textured(50, 70)
    continued = np.pad(pixels, ((0, 14), (0, 58), (0, 0)), mode="edge")
    own, other = (analyse(sessions, each, 12800).targets for each in (pixels, continued))
    assert own.keys() == other.keys()
    assert all(np.array_equal(own[name], other[name]) for name in own)


def test_the_photograph_takes_the_bytes_and_has_the_quality_that_it_had(codec, photograph):
    pinned = json.loads(PHOTOGRAPH.read_text())
    assert pinned["model"] == codec.model.name, "python tests/golden/photograph.py"
    for quality, (size, decibels) in pinned["by_quality"].items():
        data = codec.encode_picture(photograph, Target(float(quality))).data
        assert len(data) == pytest.approx(size, rel=0.005)
        assert psnr(photograph.pixels, codec.decode_picture(data).pixels) == pytest.approx(decibels, abs=0.02)
