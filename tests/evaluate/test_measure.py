"""The harness measures everything once, keeps it, and goes on past what fails."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest

from conftest import textured
from trellic.errors import BadRequest, PeerFailed
from trellic.evaluate import lines
from trellic.evaluate.codecs.pillow import JPEG_USUAL, WEBP_USUAL
from trellic.evaluate.measure import Harness, Record, Results, code, figures, nearest_in_size
from trellic.evaluate.sets import members
from trellic.evaluate.start import start_seconds
from trellic.metrics import ms_ssim, psnr
from trellic.provenance import commit, machine

CODECS = [codec._replace(curve=(20, 50, 80)) for codec in (JPEG_USUAL, WEBP_USUAL)]


def measured(path, codecs=CODECS, pictures=("a.png", "b.png"), measures=("psnr", "ms_ssim")):
    """Return the results of small pictures, and the complaints."""
    complaints = []
    results = Results.read(path) if path.exists() else Results(path)
    results.prepare(codecs, "a command")
    with ThreadPoolExecutor(1) as pool:
        harness = Harness(codecs, results, measures, pool, complaints.append)
        for seed, picture in enumerate(pictures):
            harness.measure("set", picture, textured(48, 64, seed))
    return results, complaints


def never(*arguments):
    raise AssertionError("encoded again")


def test_a_record_says_what_came_of_the_bytes(tmp_path):
    results, _ = measured(tmp_path / "r.jsonl", pictures=("a.png",))
    record = next(each for each in results.records if (each.codec, each.setting) == ("webp-usual", 50))
    pixels = textured(48, 64, 0)
    data = WEBP_USUAL.encode(pixels, 50)
    assert (record.group, record.picture, record.width, record.height) == ("set", "a.png", 64, 48)
    assert record.bytes == len(data)
    assert record.bpp == 8 * len(data) / (48 * 64)
    assert record.psnr == psnr(pixels, WEBP_USUAL.decode(data))
    assert record.ms_ssim is None  # too small for it
    assert min(record.encode_seconds, record.decode_seconds) > 0


def test_a_file_says_by_what_it_was_made_and_holds_a_record_a_line(tmp_path):
    results, complaints = measured(tmp_path / "r.jsonl")
    assert complaints == []
    head, *lines = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert (head["command"], head["commit"], head["machine"]) == ("a command", commit(), machine())
    assert head["codecs"] == {codec.name: codec.about for codec in CODECS}
    assert len(lines) == 2 * 2 * 3
    assert set(lines[0]) == {field.name for field in fields(Record)}
    assert lines == [asdict(record) for record in results.records]


def test_the_head_names_the_model(tmp_path):
    results, _ = measured(tmp_path / "r.jsonl", [CODECS[0]._replace(model="0123456789abcdef")])
    assert Results.read(results.path).head.model == "0123456789abcdef"


def test_nothing_is_measured_twice(tmp_path):
    results, _ = measured(tmp_path / "r.jsonl")
    again, _ = measured(tmp_path / "r.jsonl", [codec._replace(encode=never) for codec in CODECS])
    assert again.records == results.records


def test_a_codec_set_otherwise_is_measured_anew(tmp_path):
    results, _ = measured(tmp_path / "r.jsonl")
    results.head.starts = {"webp-usual": {"encode": 1.0}, "jpeg-usual": {"encode": 2.0}}
    results.prepare([CODECS[0], CODECS[1]._replace(about="another version")], "a command")
    assert {record.codec for record in results.records} == {"jpeg-usual"}
    assert set(results.head.starts) == {"jpeg-usual"}


def test_a_learned_codec_is_measured_anew_where_the_package_changed(tmp_path, monkeypatch):
    learned = [CODECS[0]._replace(model="0123456789abcdef"), CODECS[1]]
    results, _ = measured(tmp_path / "r.jsonl", learned)
    results.prepare(learned, "a command")
    assert {record.codec for record in results.records} == {"webp-usual", "jpeg-usual"}
    monkeypatch.setattr(lines, "source", lambda: "another state")
    results.prepare(learned, "a command")
    assert {record.codec for record in results.records} == {"webp-usual"}


def test_another_picture_of_the_same_name_is_measured_anew(tmp_path):
    before, _ = measured(tmp_path / "r.jsonl", pictures=("a.png",))
    results = Results.read(before.path)
    with ThreadPoolExecutor(1) as pool:
        Harness(CODECS, results, ("psnr",), pool, print).measure("set", "a.png", textured(48, 64, 9))
    contents = [{record.content for record in each.records} for each in (before, results)]
    assert len(contents[1]) == 1
    assert contents[0].isdisjoint(contents[1])
    assert len(results.records) == len(before.records)


def test_pictures_of_one_name_in_two_sets_stay_apart(tmp_path):
    results, _ = measured(tmp_path / "r.jsonl", pictures=("a.png",))
    with ThreadPoolExecutor(1) as pool:
        Harness(CODECS, results, ("psnr",), pool, print).measure("other", "a.png", textured(48, 64, 9))
    assert {(record.group, record.picture) for record in results.records} == {("set", "a.png"), ("other", "a.png")}


def test_a_codec_that_fails_is_reported_and_the_others_go_on(tmp_path):
    def fails(pixels, setting):
        if np.array_equal(pixels, textured(48, 64, 1)):
            raise PeerFailed("no memory")
        return WEBP_USUAL.encode(pixels, setting)

    results, complaints = measured(tmp_path / "r.jsonl", [CODECS[1]._replace(encode=fails), CODECS[0]])
    assert complaints == ["b.png: webp-usual: no memory"]
    assert len([record for record in results.records if record.codec == "jpeg-usual"]) == 6
    assert len([record for record in results.records if record.codec == "webp-usual"]) == 3


@pytest.mark.parametrize("text", ["", "nonsense", '{"records": []}', '{"command": "c"}\n{"codec": "c"}\n'])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "r.jsonl").write_text(text)
    with pytest.raises(BadRequest, match="another file"):
        Results.read(tmp_path / "r.jsonl")


def test_only_so_many_bytes_wait_for_their_figures(tmp_path, monkeypatch):
    coded, computed = [], []

    def slow(original, decoded, measures):
        computed.append(1)
        return {}

    def encode(pixels, setting):
        assert len(coded) <= len(computed)
        coded.append(setting)
        return WEBP_USUAL.encode(pixels, setting)

    monkeypatch.setattr("trellic.evaluate.measure.figures", slow)
    monkeypatch.setattr("trellic.evaluate.measure.MOST_WAITING", 0)
    measured(tmp_path / "r.jsonl", [CODECS[1]._replace(encode=encode)])
    assert len(computed) == len(coded) == 6


def test_figures_are_those_asked_for_and_none_where_they_do_not_exist():
    large, small = textured(176, 180), textured(40, 40)
    blurred = large // 2 * 2
    assert figures(large, blurred, ("psnr", "ms_ssim")) == {
        "psnr": psnr(large, blurred), "ms_ssim": ms_ssim(large, blurred),
    }  # fmt: skip
    assert figures(small, small, ("psnr", "ms_ssim")) == {"psnr": None, "ms_ssim": None}


def test_padding_that_a_codec_adds_is_cut_off():
    pixels = textured(33, 47)
    padded = JPEG_USUAL._replace(decode=lambda data: np.pad(JPEG_USUAL.decode(data), ((0, 1), (0, 1), (0, 0))))
    assert code(padded, pixels, 80).pixels.shape == pixels.shape


def test_a_file_nearest_in_size_is_found():
    pixels = textured(48, 64)
    wanted = code(JPEG_USUAL, pixels, 60).bytes
    setting, coded = nearest_in_size(JPEG_USUAL, pixels, wanted)
    assert coded.bytes == wanted
    assert abs(setting - 60) <= 2


def test_a_start_is_the_time_of_a_tiny_picture():
    shapes = set()

    def encode(pixels, quality):
        shapes.add(pixels.shape)
        return JPEG_USUAL.encode(pixels, quality)

    assert 0 < start_seconds(JPEG_USUAL._replace(encode=encode))["encode"] < 1
    assert shapes == {(64, 64, 3)}


def test_a_set_is_the_folder_that_was_given_or_that_a_file_lies_in(tmp_path):
    deep = tmp_path / "photos" / "june" / "a.png"
    given = [(deep, Path("june/a.png")), (tmp_path / "maps" / "b.png", Path("b.png"))]
    assert [(member.group, member.name) for member in members(given)] == [("photos", "june/a.png"), ("maps", "b.png")]


def test_two_folders_of_one_name_are_two_sets(tmp_path):
    given = [(tmp_path / folder / "test" / "a.png", Path("a.png")) for folder in ("x", "y")]
    assert [member.group for member in members(given)] == [str(tmp_path / folder / "test") for folder in ("x", "y")]
