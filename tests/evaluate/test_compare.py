"""A comparison survives bad pictures, and ends in a page of its own."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest
from trellic.evaluate.codecs.pillow import JPEG_USUAL, WEBP_USUAL
from trellic.evaluate.compare import compared, opened
from trellic.evaluate.measure import Record, Results
from trellic.evaluate.memory import peak_bytes


def test_memory_is_that_of_a_fresh_process():
    pixels = textured(64, 64)
    encode, decode = peak_bytes("jpeg-usual", "base", 7, 50, pixels, JPEG_USUAL.encode(pixels, 50))
    assert 20e6 < decode < 2e9
    assert 20e6 < encode < 2e9


def test_memory_of_another_codec_is_without_what_trellic_loads():
    code = "import trellic.evaluate.peak, sys; print(*{'numba', 'onnxruntime', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_times_of_two_machines_are_not_mixed(tmp_path):
    results = opened(tmp_path / "r.jsonl", [WEBP_USUAL], "c", print)
    results.records = [Record("webp-usual", "set", "a", "a", 1, 1, 1.0, 1, 1.0, 1.0)]
    results.head.machine = "another"
    results.write()
    with pytest.raises(BadRequest, match="another machine"):
        opened(tmp_path / "r.jsonl", [WEBP_USUAL], "c", print)


def test_what_does_not_hold_any_more_is_reported_and_dropped(tmp_path):
    results = opened(tmp_path / "r.jsonl", [WEBP_USUAL], "c", print)
    results.records = [Record("webp-usual", "set", "a", "a", 1, 1, 1.0, 1, 1.0, 1.0)]
    results.write()
    reports: list[str] = []
    assert len(opened(tmp_path / "r.jsonl", [WEBP_USUAL], "c", reports.append).records) == 1
    assert not reports
    assert not opened(tmp_path / "r.jsonl", [WEBP_USUAL._replace(about="other")], "c", reports.append).records
    assert "1 records dropped" in reports[0]


def test_nothing_can_be_compared_where_no_picture_was_coded():
    with pytest.raises(BadRequest, match="no picture"):
        compared([WEBP_USUAL], [], Results(None))


def test_the_command_goes_on_past_a_bad_picture_and_reports_it(tmp_path):
    pytest.importorskip("ssimulacra2")
    Image.fromarray(textured(40, 50)).save(tmp_path / "a.png")
    (tmp_path / "aa.png").write_bytes(b"nonsense")
    command = [sys.executable, "-m", "trellic", "compare", ".", "--codecs", "webp-usual,jpeg", "--report", "out"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "aa.png" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out" / "index.html").exists()
    head = json.loads((tmp_path / "compare.jsonl").read_text().splitlines()[0])
    assert set(head["memory"]) == set(head["starts"]) == {"webp-usual", "jpeg"}
    assert all(value > 0 for peaks in head["memory"].values() for value in peaks.values())
