"""Residual pictures of clips: around mid-grey, each for the quality of its references."""

from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("imageio_ffmpeg")

from conftest import GOLDEN
from moving import moving
from trellic.cli import app
from trellic.errors import BadRequest
from trellic.train.data import PixelStore
from trellic.train.pairs import make_pairs
from trellic.video.frames import BT601, write_video


def clip(folder, count):
    path = folder / f"clip{count}.mp4"
    write_video(iter(moving(count, 64, 96)), str(path), ".mp4", (96, 64), Fraction(25), BT601, b"")
    return path


def test_residuals_are_small_and_know_their_quality(tmp_path):
    asked = []

    def code(pixels, quality):
        asked.append(quality)
        return pixels

    assert make_pairs([clip(tmp_path, 9)], tmp_path / "out", 4, code, 1, print) == 4
    store = PixelStore.of_files(sorted((tmp_path / "out").glob("*.png")), tmp_path)
    assert {round(100 * quality, 1) for quality in store.qualities} == {round(quality, 1) for quality in asked}
    for picture in store.pictures:
        assert abs(float(np.median(picture)) - 128) <= 1
        assert float(np.abs(picture.astype(int) - 128).mean()) < 12


def test_clips_that_are_too_short_are_refused(tmp_path):
    with pytest.raises(BadRequest, match="too few"):
        make_pairs([clip(tmp_path, 2)], tmp_path / "out", 1, lambda pixels, quality: pixels, 1, print)


def test_the_command_codes_frames_by_a_model(tmp_path):
    arguments = ["make-pairs", str(clip(tmp_path, 5)), "--out", str(tmp_path / "out"), "--count", "2"]
    done = CliRunner().invoke(app, [*arguments, "--model", str(GOLDEN / "golden.trm")])
    assert (done.exit_code, done.exception) == (0, None)
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
