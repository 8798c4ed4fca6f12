"""Streams of earlier releases decode for ever: to the same latents exactly, to the same pixels within one."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN
from trellic import Codec
from trellic.codec.units import decode_unit
from trellic.container import Stream
from trellic.quantize import QUANTIZERS

LATENTS = {
    "uniform": ("golden", "4b7baf7c3c8602d6"),
    "deadzone": ("trellis", "4891f58bfb300443"),
    "rdoq": ("trellis", "3e39d2cddb265042"),
    "tcq4": ("trellis", "197412fe14eac1da"),
    "tcq8": ("trellis", "d4e5893c2c584473"),
    "tiles": ("trellis", "d4004e583b67411a"),
}


@pytest.mark.parametrize("name", LATENTS)
def test_a_golden_stream_decodes_to_its_latents_and_picture(name):
    model, digest = LATENTS[name]
    codec = Codec(str(GOLDEN / f"{model}.trm"))
    data = (GOLDEN / f"{name}.tlic").read_bytes()
    stream = Stream.parse(data)
    seen = hashlib.sha256()
    for number in range(len(stream.units)):
        unit = decode_unit(codec.sessions, stream, number, stream.read_units([number])[0])
        seen.update(unit.latents.astype("<f4").tobytes())
    assert seen.hexdigest()[:16] == digest
    decoded = codec.decode(data)
    assert decoded.getexif()[0x0112] == 3
    with Image.open(GOLDEN / f"{name}.png") as expected:
        assert decoded.size == expected.size
        assert np.array_equal(np.asarray(decoded.getchannel("A")), np.asarray(expected.getchannel("A")))
        assert np.abs(np.asarray(decoded).astype(int) - np.asarray(expected)).max() <= 1


def test_every_quantizer_is_pinned():
    assert set(LATENTS) == {"tiles", *(quantizer.name for quantizer in QUANTIZERS)}
