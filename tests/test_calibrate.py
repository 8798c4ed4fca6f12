"""Calibration and refitting as commands: what they find is kept in the model and used."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from conftest import GOLDEN, textured
from trellic import Codec
from trellic.cli import app
from trellic.errors import BadRequest, NoPictures
from trellic.evaluate.calibrate import GRIDS, OPERATING_QUALITIES, choose_operating_points
from trellic.evaluate.sensitivity import corners_of
from trellic.model import ModelFile, Networks
from trellic.picture.types import Picture


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(textured(128, 128, seed)).save(folder / f"{seed}.png")
    return folder


def test_the_finest_step_of_those_that_are_as_good_is_chosen():
    gaps = {(1200, 0.02): [-0.050, 0.0, -0.01, -0.0499], (1200, 0.03): [-0.0501, 0.0, -0.01, -0.05],
            (1700, 0.03): [-0.0508, -0.1, -0.02, -0.06]}  # fmt: skip
    assert choose_operating_points(gaps) == [
        (0.15, 1200, 0.03),
        (0.4, 1700, 0.03),
        (0.65, 1700, 0.03),
        (0.9, 1700, 0.03),
    ]


def test_details_are_of_what_is_coded_and_no_more():
    pictures = [Picture(textured(height, width)) for height, width in ((200, 300), (63, 400), (128, 70))]
    assert [corner.shape for corner in corners_of(pictures)] == [(192, 256, 3), (128, 64, 3)]
    with pytest.raises(NoPictures):
        corners_of(pictures[1:2])


def test_a_quantizer_without_settings_is_refused_at_once(pictures, tmp_path):
    arguments = ["calibrate", str(pictures), "-o", str(tmp_path / "x.trm"), "--quantizer", "uniform"]
    assert isinstance(CliRunner().invoke(app, arguments).exception, BadRequest)


def test_tables_of_no_picture_are_not_written(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nonsense")
    arguments = ["fit-tables", str(tmp_path), "-m", str(GOLDEN / "golden.trm"), "-o", str(tmp_path / "x.trm")]
    result = CliRunner().invoke(app, [*arguments, "--quantizer", "uniform"])
    assert isinstance(result.exception, NoPictures)
    assert not (tmp_path / "x.trm").exists()


def test_what_calibrate_and_fit_tables_find_is_kept_and_used(pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(GRIDS, "deadzone", ((1024, 0.0), (1024, 0.1)))
    calibrated, fitted = tmp_path / "calibrated.trm", tmp_path / "fitted.trm"
    chosen = ["--quantizer", "deadzone"]
    for arguments in (
        ["calibrate", str(pictures), "-m", str(GOLDEN / "golden.trm"), "-o", str(calibrated), *chosen],
        ["fit-tables", str(pictures), "-m", str(calibrated), "-o", str(fitted), *chosen],
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    file = ModelFile.read(fitted)
    card = file.card["quantizers"]["deadzone"]
    assert [round(100 * quality) for quality, _, _ in card["knots"]] == list(OPERATING_QUALITIES)
    assert len(card["calibration"]["log_rate_by_setting"]) == 2
    assert card["tables"]["pictures"] == 2
    weights = Networks(file).weights(0.5)
    assert weights.std() > 0.01
    assert weights.mean() == pytest.approx(1.0, abs=0.2)
    codec = Codec(str(fitted), quantizer="deadzone")
    assert np.array_equal(codec.deployed.tables.frequency, file.array("tables_deadzone.npy", np.uint32, (None,)))
    assert codec.deployed.at(90 * 256).rate_weight == card["knots"][-1][2]
    assert codec.decode(codec.encode(textured(100, 90), 60)).size == (90, 100)
