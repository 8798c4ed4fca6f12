"""Previews are fitted in closed form, on pictures of any size."""

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec.analysis import analyse
from trellic.codec.encoder import encode_latents
from trellic.errors import NoPictures
from trellic.model import Model
from trellic.model.previews import to_blocks
from trellic.picture.types import Picture
from trellic.quantize import quantizer_named
from trellic.tune import fit_previews as fitting

MODEL = Model.read(GOLDEN / "golden.trm")


def test_a_map_that_generated_the_targets_is_found(monkeypatch):
    """Latents of noise, pixels that are a linear map of them: the fit shows those pixels."""
    random = np.random.default_rng(0)
    matrix = random.normal(0, 12, (12, 5))
    examples = []
    for quality in (0.0, 0.5, 1.0):
        latents = random.normal(0, 1, (5, 12, 16))
        blocks = np.tensordot(matrix, latents, 1) + 120
        small = np.rint(blocks.reshape(3, 2, 2, 12, 16).transpose(0, 3, 1, 4, 2).reshape(3, 24, 32)).clip(0, 255)
        pixels = np.repeat(np.repeat(small.transpose(1, 2, 0), 8, axis=0), 8, axis=1).astype(np.uint8)
        examples.append((quality, (latents * np.exp(quality)).astype(np.float32), pixels))
    preview = fitting._fit(examples, np.stack([np.zeros(5), np.ones(5)]).astype(np.float32), 8, 3)
    quality, latents, pixels = examples[1]
    wanted = pixels[::8, ::8].transpose(2, 0, 1).astype(float)
    assert np.abs(preview.show(latents, quality) - wanted).mean() < 1.5
    assert to_blocks(wanted, 2).shape == (12, 12, 16)


def test_a_preview_is_as_good_between_the_qualities_it_was_fitted_at():
    from trellic.codec import Codec

    pictures = [Picture(textured(192, 256, seed)) for seed in range(2)]
    preview = fitting.fit_previews(MODEL, pictures, quantizer_named("uniform"))[8]
    codec = Codec(str(GOLDEN / "golden.trm"), 1, quantizer="uniform")
    wanted = pictures[0].pixels.reshape(24, 8, 32, 8, 3).mean(axis=(1, 3)).transpose(2, 0, 1)

    def error(quality):
        analysed = analyse(codec.sessions, pictures[0].pixels, 256 * quality)
        decoded = encode_latents(codec.sessions, analysed, codec.deployed).decoded["y"]
        return np.square(preview.show(decoded, quality / 100) - wanted).mean()

    assert max(error(30), error(50), error(70)) < 1.2 * max(error(20), error(80))


def test_pictures_may_be_of_any_size_from_a_stride_on():
    pictures = [Picture(textured(height, width)) for height, width in ((64, 200), (30, 100), (500, 70))]
    found = fitting.fit_previews(MODEL, pictures, quantizer_named("uniform"))
    assert all(np.isfinite(one.weights).all() for one in found.values())
    with pytest.raises(NoPictures):
        fitting.fit_previews(MODEL, pictures[1:2], quantizer_named("uniform"))
