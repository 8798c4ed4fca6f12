"""Weights of corrections: every deployed pass has some, and its pictures take fewer bits by them."""

import pytest

from trellic.codec.analysis import analyse
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents
from trellic.container.header import QUALITY_ONE
from trellic.entropy.correction import LARGEST_WEIGHT
from trellic.errors import NoPictures
from trellic.model import Sessions
from trellic.quantize import quantizer_named
from trellic.tune.fit_corrections import fit_corrections

TCQ8 = quantizer_named("tcq8")


def bits_of(model, pictures):
    sessions, deployed = Sessions(model, 1), DeployedQuantizer.of(model, TCQ8)
    analysed = [
        analyse(sessions, picture.pixels, quality * QUALITY_ONE) for picture in pictures for quality in (20, 60)
    ]
    return sum(encode_latents(sessions, each, deployed).estimated_bits for each in analysed)


def test_pictures_take_fewer_bits_by_the_weights_that_are_found(model, pictures):
    fitted = fit_corrections(model, pictures, TCQ8)
    passes = fitted.schedule.passes
    assert [bool(step.correction) for step in passes] == [not step.is_rounded for step in passes]
    assert max(abs(weight) for step in passes for weight in step.correction) <= LARGEST_WEIGHT
    assert bits_of(fitted, pictures) < 0.98 * bits_of(model, pictures)


def test_fitting_again_begins_anew(model, pictures):
    once = fit_corrections(model, pictures, TCQ8)
    assert fit_corrections(once, pictures, TCQ8).schedule == once.schedule


def test_no_pictures_are_refused(model):
    with pytest.raises(NoPictures):
        fit_corrections(model, [], TCQ8)
