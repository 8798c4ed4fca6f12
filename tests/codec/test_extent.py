"""A part of a group: encoder and decoder agree on it, and what is not coded is what the networks expect."""

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec
from trellic.codec.analysis import analyse
from trellic.codec.decoder import decode_latents
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import quantize_in_order
from trellic.codec.extent import EVERY_GROUP, Extent
from trellic.container import Stream
from trellic.quantize import quantizer_named

CODEC = Codec(str(GOLDEN / "golden.trm"), 1, "tcq8")
QUALITY = 60 * 256
PIXELS = textured(64, 128)
FIRST, SECOND = CODEC.model.schedule.groups[:2]


def decoded(extent: Extent) -> np.ndarray:
    stream = Stream.parse(CODEC.encode(PIXELS, 60))
    deployed = DeployedQuantizer.of(CODEC.model, quantizer_named("tcq8"))
    payload = stream.read_units([0])[0][-1]
    step = deployed.step_at(QUALITY)
    return decode_latents(CODEC.sessions, payload, 64, 128, QUALITY, deployed, step, extent=extent)["y"]


@pytest.mark.parametrize("extent", [Extent(1, True, 1), Extent(2, True, 2), Extent(1), Extent(1, predicted=0)])
def test_an_encoder_has_what_a_decoder_has(extent):
    deployed = DeployedQuantizer.of(CODEC.model, quantizer_named("tcq8"))
    analysed = analyse(CODEC.sessions, PIXELS, QUALITY)
    own = quantize_in_order(CODEC.sessions, analysed, deployed, lambda *_: None, extent)["y"]
    assert np.array_equal(own, decoded(extent))


def test_half_a_group_is_its_anchors_and_the_means_of_the_rest():
    whole, half, none = (decoded(extent) for extent in (EVERY_GROUP, Extent(2, True, 2), Extent(2, True, 0)))
    anchors = np.add.outer(np.arange(4), np.arange(8)) % 2 == 0
    assert np.array_equal(half[FIRST.channels], whole[FIRST.channels])
    assert np.array_equal(half[SECOND.channels][:, anchors], whole[SECOND.channels][:, anchors])
    assert not np.array_equal(half[SECOND.channels], whole[SECOND.channels])
    assert half[SECOND.channels][:, ~anchors].any()
    assert not none[SECOND.channels][:, ~anchors].any()
    assert not half[SECOND.stop :].any()
