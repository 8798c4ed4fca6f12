"""Validation of a quantizer's parameters: rates by tables fitted to the very indices."""

import pytest

from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import encode_latents, reconstruct
from trellic.metrics import psnr
from trellic.quantize import quantizer_named
from trellic.tune.validation import Validation


def test_a_trial_measures_what_the_codec_would_write(model, pictures):
    validation = Validation(model, pictures)
    deployed = DeployedQuantizer.of(model, quantizer_named("uniform"))
    fitted = validation.fitted(deployed, [50])
    point = validation.measure(deployed, 50)
    analysed = validation.analysed(50)
    coded = [encode_latents(validation.sessions, each, fitted) for each in analysed]
    rates = [one.estimated_bits / 128**2 for one in coded]
    shown = [reconstruct(validation.sessions, *pair) for pair in zip(coded, analysed, strict=True)]
    assert point.rate == pytest.approx(sum(rates) / 2, rel=1e-6)
    assert point.psnr == pytest.approx(sum(psnr(one.pixels, two) for one, two in zip(pictures, shown, strict=True)) / 2)
