"""The page of a comparison shows every codec and needs no network; details are made once."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.errors import BadRequest
from trellic.evaluate.codecs.pillow import JPEG, WEBP_USUAL
from trellic.evaluate.measure import Harness, Results
from trellic.evaluate.report.details import make_details, read_details, spread
from trellic.evaluate.report.page import Report
from trellic.evaluate.report.published import read_published

CODECS = [JPEG._replace(curve=(40, 20, 10)), WEBP_USUAL._replace(curve=(20, 50, 80))]


@pytest.fixture
def results():
    """Two sets of small pictures, one picture in both."""
    results = Results(None)
    results.prepare(CODECS, "trellic compare <&>")
    with ThreadPoolExecutor(1) as pool:
        harness = Harness(CODECS, results, ("psnr", "ms_ssim"), pool, print)
        for group, picture, seed in (("kodak", "a.png", 0), ("kodak", "b.png", 1), ("another", "b.png", 1)):
            harness.measure(group, picture, textured(48, 64, seed))
    results.head.starts = {codec.name: {"encode": 1e-4, "decode": 1e-4} for codec in CODECS}
    return results


def test_the_page_shows_every_codec_and_needs_no_network(results, tmp_path):
    for seed, picture in enumerate(("a.png", "b.png")):
        make_details(CODECS, picture, textured(48, 64, seed), results.records, tmp_path / "out")
    (tmp_path / "p.json").write_text(
        json.dumps({"kodak": {n: {"bpp_psnr": [[0.5, 20], [1, 30], [3, 45]]} for n in ("vtm", "jpeg")}})
    )
    curves = read_published(tmp_path / "p.json")
    Report(results, ["jpeg", "webp-usual"], curves).write(tmp_path / "out")
    page, table = ((tmp_path / "out" / name).read_text() for name in ("index.html", "report.md"))
    for text in (page, table):
        assert all(label in text for label in ("JPEG", "WebP, as used", "vtm", "a.png", "b.png"))
        assert not re.search(r"https?:|//\w", text.replace("</", ""))
    assert not re.search(r"\bnan\b", page)
    assert table.count("| JPEG | jpeg |") == 1  # measured here against published, on the one set that has curves
    clips = re.findall(r'clipPath id="([^"]+)"', page)
    assert len(clips) == len(set(clips)) == 2  # two sets in one measure; these pictures are too small for the others
    files = re.findall(r'"(?:file|original)": "([^"]+)"', page)
    assert len(files) == 2 * 3
    for name in files:
        assert np.asarray(Image.open(tmp_path / "out" / name)).shape == (48, 64, 3)


def test_details_are_made_once_and_anew_for_a_codec_set_otherwise(results, tmp_path):
    def make(codecs):
        make_details(codecs, "a.png", textured(48, 64), results.records, tmp_path)

    def never(*arguments):
        raise AssertionError("encoded again")

    make(CODECS)
    kept = read_details(tmp_path)
    make([codec._replace(encode=never) for codec in CODECS])
    assert read_details(tmp_path) == kept
    with pytest.raises(AssertionError):
        make([CODECS[0], CODECS[1]._replace(encode=never, about="another version")])


def test_details_are_of_about_one_size(results, tmp_path):
    make_details(CODECS, "a.png", textured(48, 64), results.records, tmp_path)
    first, second = read_details(tmp_path)
    assert first["wanted"] == first["bytes"] == second["wanted"]
    assert second["bytes"] == pytest.approx(first["bytes"], rel=0.05)


def test_a_report_needs_two_codecs_and_a_picture(results):
    with pytest.raises(BadRequest, match="two codecs"):
        Report(results, ["jpeg"], {})
    with pytest.raises(BadRequest, match="two codecs"):
        Report(Results(None), ["jpeg", "webp-usual"], {})


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"kodak": {"vtm": [1]}}'])
def test_a_file_without_curves_is_refused(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(BadRequest, match="no published curves"):
        read_published(tmp_path / "p.json")


def test_a_few_are_spread_over_all():
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread(range(2), 4) == [0, 1]
