"""A frame is shown as its encoder restored it, what is coded and what is skipped apart."""

import numpy as np
import pytest

from conftest import textured
from trellic.video.restoration import fit_frame, restore_frame

BITS_OF_ERROR = 0.02


def test_a_decoder_restores_as_the_encoder_did_and_comes_nearer():
    original = textured(70, 90)
    decoded = np.clip(original * 0.9 + 6, 0, 255).astype(np.uint8)
    weights, shown = fit_frame(decoded, original, None, BITS_OF_ERROR)
    assert len(weights) == 1
    assert np.array_equal(restore_frame(decoded, weights, None), shown)
    assert np.square(shown - original.astype(int)).sum() < np.square(decoded - original.astype(int)).sum() / 4


def test_a_frame_that_is_right_stays():
    frame = textured(32, 48)
    weights, shown = fit_frame(frame, frame, None, BITS_OF_ERROR)
    assert weights == [None]
    assert shown is frame


def test_what_is_coded_and_what_is_skipped_have_weights_of_their_own():
    original, decoded = textured(100, 150), textured(100, 150)
    decoded[:64, :64] = decoded[:64, :64] * 0.9
    decoded[64:] = decoded[64:] * 0.95 + 9
    skipped = np.array([[1, 0, 0], [0, 0, 0]], np.uint8)
    (coded, other), shown = fit_frame(decoded, original, skipped, BITS_OF_ERROR)
    assert np.array_equal(shown[:64, :64], restore_frame(decoded, [other], None)[:64, :64])
    assert np.array_equal(shown[64:], restore_frame(decoded, [coded], None)[64:])
    assert np.array_equal(shown, restore_frame(decoded, [coded, other], skipped))


@pytest.mark.parametrize("skipped", [0, 1])
def test_a_part_of_no_blocks_has_no_weights(skipped):
    original = textured(40, 40)
    decoded = (original * 0.9).astype(np.uint8)
    weights, _ = fit_frame(decoded, original, np.array([[skipped]], np.uint8), BITS_OF_ERROR)
    assert weights[1 - skipped] is None
    assert weights[skipped] is not None
