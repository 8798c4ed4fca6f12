"""The curvature is that of the errors that are there, and the calibrated weights' where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec.analysis import analyse
from trellic.codec.curvature import LEAST, curvature_of
from trellic.model import Model, Sessions


@pytest.fixture(scope="module")
def sessions():
    return Sessions(Model.read(GOLDEN / "golden.trm"), 1)


def test_a_channel_counts_by_what_its_errors_change_the_picture_by(sessions):
    """The gradient of a quadratic error is its matrix times the latents' errors."""
    analysed = analyse(sessions, textured(70, 128), 12800)
    y, counted, weights = analysed.targets["y"], analysed.counted, analysed.weights
    errors = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), y.shape)
    errors[0] = 0  # nothing is known of this channel
    known = np.linspace(1, 2, len(y), dtype=np.float32)[:, None, None]
    expected = weights * known[1:].mean() / weights[1:].mean()
    decoded = y + np.where(counted > 0, errors, np.float32(100))  # much beside the picture
    decoded[0] = y[0]
    gradient = np.where(counted > 0, known * counted * errors, 1)  # through predictions there may be some beside it
    found = curvature_of(analysed, decoded, gradient.astype(np.float32))
    assert found[0] == pytest.approx(expected[0], rel=1e-3)
    between = np.sort([np.broadcast_to(known, expected.shape), expected], axis=0)
    assert (found > 0.999 * between[0]).all()
    assert (found < 1.001 * between[1]).all()
    assert np.abs(found - known)[1:].mean() < 0.5 * np.abs(expected - known)[1:].mean()
    known[1] *= -1  # by chance, among few latents
    least = LEAST * weights[1] * known[1:].mean() / weights[1:].mean()
    assert curvature_of(analysed, decoded, known * counted * errors)[1] == pytest.approx(least, rel=1e-3)


def test_busy_parts_of_a_picture_count_for_its_curvature(sessions):
    """Where half of it is flat, what errors cost is hardly halved."""
    analysed = analyse(sessions, textured(64, 128), 12800)
    y = analysed.targets["y"]
    errors = np.random.default_rng(0).normal(0, 1, y.shape).astype(np.float32)
    gradient = errors * np.where(np.arange(8) < 4, np.float32(1), np.float32(0.01))
    assert curvature_of(analysed, y + errors, gradient).mean() > 0.8


def test_where_nothing_depends_on_latents_there_is_no_search(sessions):
    analysed = analyse(sessions, textured(64, 64), 12800)
    y = analysed.targets["y"]
    assert curvature_of(analysed, y + 1, np.zeros_like(y)) is None
    assert curvature_of(analysed, y, np.zeros_like(y)) is None
    assert curvature_of(analysed, y + 1, np.full_like(y, -1)) is None  # downhill wherever one goes
    assert curvature_of(analysed, y + np.float32(3e38), np.full_like(y, 3e38)) is None


def test_how_an_error_is_seen_changes_the_gradient_and_not_the_curvature(sessions):
    plain = analyse(sessions, textured(64, 64), 12800)
    seen = replace(plain, visibility=np.full_like(plain.visibility, 0.25))
    errors = np.random.default_rng(0).normal(0, 1, plain.targets["y"].shape).astype(np.float32)
    found = [curvature_of(one, one.targets["y"] + errors, errors * one.visibility) for one in (plain, seen)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)
    np.testing.assert_allclose(found[0], 1, rtol=0.4)
