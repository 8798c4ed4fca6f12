"""A frame is shown as its encoder restored it, what is coded and what is skipped apart."""

import numpy as np
import pytest

from conftest import textured
from trellic.container.restoration import read_weights
from trellic.metrics import squared_error
from trellic.video.restoration import fit_frame, restore_frame

BITS_OF_ERROR = 0.02


def test_a_decoder_restores_as_the_encoder_did_and_comes_nearer():
    original = textured(70, 90)
    decoded = np.clip(original * 0.9 + 6, 0, 255).astype(np.uint8)
    restoration, shown = fit_frame(decoded, original, None, BITS_OF_ERROR)
    assert np.array_equal(restore_frame(decoded, read_weights(restoration, 1), None), shown)
    assert np.square(shown - original.astype(int)).sum() < np.square(decoded - original.astype(int)).sum() / 4


def test_a_frame_that_is_right_stays():
    frame = textured(32, 48)
    restoration, shown = fit_frame(frame, frame, None, BITS_OF_ERROR)
    assert restoration == b""
    assert shown is frame


def test_frames_are_restored_where_that_saves_more_than_it_takes():
    original = textured(64, 128)
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 1 + seed / 4, original.shape)
        decoded = np.clip(original * 0.995 + noise, 0, 255).astype(np.uint8)
        restoration, shown = fit_frame(decoded, original, np.zeros((1, 2), np.uint8), BITS_OF_ERROR / 4)
        saved = BITS_OF_ERROR / 4 * (squared_error(decoded, original) - squared_error(shown, original))
        assert saved > 8 * len(restoration) or not restoration


def test_what_is_coded_and_what_is_skipped_have_weights_of_their_own():
    original, decoded = textured(100, 150), textured(100, 150)
    decoded[:64, :64] = decoded[:64, :64] * 0.9
    decoded[64:] = decoded[64:] * 0.95 + 9
    skipped = np.array([[1, 0, 0], [0, 0, 0]], np.uint8)
    restoration, shown = fit_frame(decoded, original, skipped, BITS_OF_ERROR)
    coded, other = read_weights(restoration, 2)
    assert np.array_equal(shown[:64, :64], restore_frame(decoded, [other], None)[:64, :64])
    assert np.array_equal(shown[64:], restore_frame(decoded, [coded], None)[64:])
    assert np.array_equal(shown, restore_frame(decoded, [coded, other], skipped))


@pytest.mark.parametrize("skipped", [0, 1])
def test_a_part_of_no_blocks_has_no_weights(skipped):
    original = textured(40, 40)
    decoded = (original * 0.9).astype(np.uint8)
    restoration, _ = fit_frame(decoded, original, np.array([[skipped]], np.uint8), BITS_OF_ERROR)
    weights = read_weights(restoration, 2)
    assert weights[1 - skipped] is None
    assert weights[skipped] is not None
