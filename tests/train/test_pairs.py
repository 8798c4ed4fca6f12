"""Residual pictures of clips: what the video codec codes of predicted frames, each at its quality."""

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
from trellic.train.pairs import make_pairs, residuals
from trellic.video import frame_encoder
from trellic.video.codec import VideoCodec
from trellic.video.encoder import Structure
from trellic.video.frames import BT601, write_video


@pytest.fixture(scope="module")
def codec():
    return VideoCodec(str(GOLDEN / "golden.trm"), 1, 5)


def clip(folder, count):
    path = folder / f"clip{count}.mp4"
    write_video(iter(moving(count, 64, 96)), str(path), ".mp4", (96, 64), Fraction(25), BT601, b"")
    return path


def test_residuals_are_those_that_the_encoder_codes(codec, monkeypatch):
    seen, analyse = [], frame_encoder.analyse

    def watched(sessions, picture, quality):
        if sessions is codec.networks.predicted:
            seen.append((picture, quality / 256))
        return analyse(sessions, picture, quality)

    monkeypatch.setattr(frame_encoder, "analyse", watched)
    found = list(residuals(codec, moving(6, 64, 96), 50 * 256, Structure(4)))
    assert [number for number, _, _ in found] == [4, 2, 1, 3, 5]
    coded = [(picture.tobytes(), quality) for picture, quality in seen]
    assert coded
    assert set(coded) <= {(picture.tobytes(), quality) for _, picture, quality in found}


def test_files_know_their_quality_and_are_around_grey(tmp_path):
    made = make_pairs([clip(tmp_path, 9)], tmp_path / "out", 2, VideoCodec(threads=1, effort=5), 1, print)
    files = sorted((tmp_path / "out").glob("*.png"))
    assert made == len(files) > 8
    store = PixelStore.of_files(files, tmp_path)
    assert all(quality is not None for quality in store.qualities)
    for picture in store.pictures:
        assert abs(float(np.median(picture)) - 128) <= 1
        assert float(np.abs(picture.astype(int) - 128).mean()) < 12


def test_clips_that_are_too_short_are_refused(codec, tmp_path):
    with pytest.raises(BadRequest, match="too few"):
        make_pairs([clip(tmp_path, 2)], tmp_path / "out", 1, codec, 1, print)


def test_the_command_codes_clips_by_a_model(tmp_path):
    arguments = ["make-pairs", str(clip(tmp_path, 5)), "--out", str(tmp_path / "out"), "--times", "1"]
    done = CliRunner().invoke(app, [*arguments, "--model", str(GOLDEN / "golden.trm"), "--adapter", "none"])
    assert (done.exit_code, done.exception) == (0, None)
    assert list((tmp_path / "out").glob("*.png"))
