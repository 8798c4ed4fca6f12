"""trellic calibrate, then fit-tables: a model that is set up for a quantizer, reported in a line, and written once."""

import pytest
from PIL import Image
from typer.testing import CliRunner

from conftest import GOLDEN, textured
from trellic.cli import app
from trellic.errors import FileExists
from trellic.model import Model


def test_a_model_is_calibrated_and_gets_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for number in range(2):
        Image.fromarray(textured(112, 128, number)).save(tmp_path / "in" / f"{number}.png")
    model = ["--model", str(GOLDEN / "golden.trm"), "--quantizer", "tcq8"]
    done = CliRunner().invoke(app, ["calibrate", "in", "--out", "a.trm", *model, "--most", "2"])
    assert (done.exit_code, done.exception) == (0, None)
    calibrated = Model.read(tmp_path / "a.trm")
    assert len(calibrated.operating_points("tcq8")) > 1
    assert calibrated.name in done.stdout
    model[1] = "a.trm"
    done = CliRunner().invoke(app, ["fit-tables", "in", "--out", "b.trm", *model, "--most", "2"])
    assert (done.exit_code, done.exception) == (0, None)
    fitted = Model.read(tmp_path / "b.trm")
    assert fitted.has_tables("tcq8")
    assert fitted.operating_points("tcq8") == calibrated.operating_points("tcq8")
    assert "from 2 pictures" in done.stdout
    with pytest.raises(FileExists):
        CliRunner().invoke(app, ["fit-tables", "in", "--out", "b.trm", *model], catch_exceptions=False)
