"""What adapters are compared by is what files of the model take and show."""

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from trellic import Codec
from trellic.metrics import psnr
from trellic.train.points import points_of_pictures
from trellic.train.validate import QUALITIES


def test_points_are_those_of_streams_restoration_and_all(tmp_path):
    pixels = textured(100, 130)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    codec = Codec(str(GOLDEN / "golden.trm"), 1, quantizer="tcq8")
    found = points_of_pictures(codec.model, codec.deployed, [tmp_path / "a.png"])
    streams = [codec.encode(pixels, 100 * quality) for quality in QUALITIES]
    shown = [psnr(pixels, np.asarray(codec.decode(data))) for data in streams]
    assert [decibels for _, decibels in found.curve] == pytest.approx(shown)
    for (bpp, _), data in zip(found.curve, streams, strict=True):
        assert bpp * 100 * 130 / 8 == pytest.approx(len(data), abs=40)  # a header and an index
    plain = Codec(str(GOLDEN / "golden.trm"), 1, quantizer="tcq8", restore=False)
    bare = [psnr(pixels, np.asarray(plain.decode(plain.encode(pixels, 100 * quality)))) for quality in QUALITIES]
    assert max(np.subtract(shown, bare)) > 0.05
