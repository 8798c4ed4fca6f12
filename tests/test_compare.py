"""Comparisons measure everything once, survive bad pictures and missing libraries, and end in a page of their own."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import textured
from trellic.cli.compare import ALL
from trellic.errors import BadRequest, MissingLibrary, PeerFailed
from trellic.evaluate.compare import Comparison, Results, by_set, complete, distinct_names
from trellic.evaluate.contestants import NAMES, contestant
from trellic.evaluate.details import measure_details, spread
from trellic.evaluate.ffmpeg import HEVC, VVC, video_peer
from trellic.evaluate.peers import AVIF, JPEG, JPEG2000, WEBP, measure, nearest_in_size
from trellic.evaluate.report import Report, read_published
from trellic.evaluate.yuv import to_rgb, to_yuv

RATES = {"jpeg": (20, 50, 80), "webp": (20, 50, 80)}
PEERS = [peer._replace(rates=RATES[peer.name]) for peer in (JPEG, WEBP)]


@pytest.fixture(autouse=True)
def _quick_similarity(monkeypatch):
    """The package is slow, and need not be there."""
    monkeypatch.setattr("trellic.evaluate.compare.ssimulacra2", lambda original, decoded: 50.0)


def compared(path, images=("a.png", "b.png"), peers=PEERS):
    """Return the results of small pictures, and what was complained of."""
    told = []
    results = Results.open(path, peers)
    with ThreadPoolExecutor(1) as pool:
        comparison = Comparison(peers, results, pool, lambda: results.write("trellic compare"), told.append)
        for seed, image in enumerate(images):
            comparison.measure_picture(image, textured(48, 64, seed))
    return results, told


def never(*arguments):
    raise AssertionError("encoded again")


@pytest.mark.parametrize("peer", [JPEG, WEBP, AVIF, JPEG2000], ids=lambda peer: peer.name)
def test_every_peer_through_pillow_gives_back_the_picture(peer):
    pixels = textured(40, 56)
    low, high = (measure(peer, pixels, setting) for setting in (peer.rates[2], peer.rates[-1]))
    assert low.pixels.shape == pixels.shape
    assert low.bytes < high.bytes
    assert low.psnr < high.psnr
    assert high.psnr > 34


def test_jpeg_xl_gives_back_the_picture():
    pytest.importorskip("pillow_jxl")
    peer = contestant("jxl", "base", 7)
    assert measure(peer, textured(40, 56), 95).psnr > 34


@pytest.mark.parametrize("video", [HEVC, VVC], ids=lambda video: video.name)
def test_ffmpeg_converts_nothing_silently(video):
    pytest.importorskip("imageio_ffmpeg")
    grey = np.repeat(textured(47, 61)[:, :, :1], 3, axis=2)  # odd sides; grey, so that 4:2:0 loses nothing
    assert measure(video_peer(video), grey, 4).psnr > 48


@pytest.mark.parametrize("halved", [False, True])
def test_colours_survive_conversion_to_ten_bits(halved):
    flat = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    pixels = np.repeat(np.repeat(flat, 2, axis=0), 2, axis=1)
    back = to_rgb(to_yuv(pixels, halved)).astype(int)
    if halved:  # interpolation blurs what is not flat: one colour at a time
        back = np.array([to_rgb(to_yuv(np.full((2, 2, 3), colour, np.uint8), True))[0, 0] for colour in flat[0]])
        pixels = flat[0]
    assert np.abs(back - pixels).max() <= 1


def test_records_are_complete_and_nothing_is_measured_twice(tmp_path):
    results, told = compared(tmp_path / "r.json")
    assert told == []
    assert len(results.lists["records"]) == 2 * sum(len(rates) for rates in RATES.values())
    kept = json.loads((tmp_path / "r.json").read_text())
    assert set(kept["records"][0]) == {
        "codec", "image", "content", "width", "height", "setting", "bytes", "bpp", "psnr", "ms_ssim", "ssimulacra2",
        "encode_seconds", "decode_seconds",
    }  # fmt: skip
    again, _ = compared(tmp_path / "r.json", peers=[peer._replace(encode=never) for peer in PEERS])
    assert again.lists == results.lists == {name: kept[name] for name in results.lists}


def test_only_so_many_bytes_wait_for_their_figures(tmp_path, monkeypatch):
    coded, measured = [], []

    def figures(pixels, point):
        measured.append(point.bytes)
        return {"bytes": point.bytes}

    def encode(pixels, setting):
        assert len(coded) <= len(measured)
        coded.append(setting)
        return WEBP.encode(pixels, setting)

    monkeypatch.setattr("trellic.evaluate.compare.figures", figures)
    monkeypatch.setattr("trellic.evaluate.compare.MOST_WAITING", 0)
    monkeypatch.setattr("trellic.evaluate.compare.Comparison._make_ready", lambda self, peer: None)
    compared(tmp_path / "r.json", peers=[PEERS[1]._replace(encode=encode)])
    assert len(measured) == len(coded) == 2 * len(RATES["webp"])


def test_a_codec_set_otherwise_is_measured_anew(tmp_path):
    compared(tmp_path / "r.json")
    changed = [PEERS[0], PEERS[1]._replace(about="another version")]
    results = Results.open(tmp_path / "r.json", changed)
    assert {entry["codec"] for entry in results.lists["records"]} == {"jpeg"}


def test_another_picture_of_the_same_name_is_measured_anew(tmp_path):
    before, _ = compared(tmp_path / "r.json", images=("a.png",))
    results = Results.open(tmp_path / "r.json", PEERS)
    with ThreadPoolExecutor(1) as pool:
        Comparison(PEERS, results, pool, lambda: None, print).measure_picture("a.png", textured(48, 64, 9))
    contents = [{entry["content"] for entry in each.lists["records"]} for each in (before, results)]
    assert len(contents[1]) == 1
    assert contents[0].isdisjoint(contents[1])


def test_a_file_that_is_no_comparison_is_refused(tmp_path):
    (tmp_path / "r.json").write_text('{"records": []}')
    with pytest.raises(BadRequest, match="another file"):
        Results.open(tmp_path / "r.json", PEERS)


def test_a_codec_that_fails_is_told_and_its_picture_left_out(tmp_path):
    def fails(pixels, setting):
        if pixels[0, 0, 0] == textured(48, 64, 1)[0, 0, 0]:
            raise PeerFailed("no memory")
        return WEBP.encode(pixels, setting)

    peers = [PEERS[0], PEERS[1]._replace(encode=fails)]
    results, told = compared(tmp_path / "r.json", peers=peers)
    assert told == ["b.png: webp: no memory"]
    assert complete(results, peers, ["a.png", "b.png"]) == ["a.png"]


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [("jxl", "pillow_jxl", "pillow-jxl-plugin"), ("vvc", "imageio_ffmpeg", "imageio-ffmpeg")],
)
def test_a_missing_library_is_an_error_that_names_the_package(monkeypatch, name, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibrary, match=f"{name}.*pip install {package}"):
        contestant(name, "base", 7)


def test_the_command_knows_every_codec():
    assert ALL.split(",") == list(NAMES)


def test_pictures_of_one_name_stay_apart():
    files = [(Path("x/a.png"), Path("a.png")), (Path("y/a.png"), Path("a.png")), (Path("y/b.png"), Path("b.png"))]
    assert list(distinct_names(files).values()) == ["x/a.png", "y/a.png", "b.png"]


def test_a_set_is_the_folder_that_was_given_or_that_a_file_lies_in(tmp_path):
    deep = tmp_path / "photos" / "june" / "a.png"
    given = [(deep, Path("june/a.png")), (tmp_path / "maps" / "b.png", Path("b.png")), (deep, Path("june/a.png"))]
    assert by_set(given, distinct_names(given)) == {"photos": [str(deep)], "maps": ["b.png"]}


def test_a_file_nearest_in_size_is_found():
    pixels = textured(48, 64)
    wanted = measure(JPEG, pixels, 60).bytes
    setting, point = nearest_in_size(JPEG, pixels, wanted)
    assert point.bytes == wanted
    assert abs(setting - 60) <= 2


def test_the_page_shows_every_codec_and_needs_no_network(tmp_path):
    results, _ = compared(tmp_path / "r.json")
    pixels = {"a.png": textured(48, 64, 0), "b.png": textured(48, 64, 1)}
    for image in spread(list(pixels), 2):
        measure_details(PEERS, image, pixels[image], results, tmp_path / "out")
    (tmp_path / "p.json").write_text(
        json.dumps({"kodak": {n: {"bpp_psnr": [[0.5, 20], [1, 30], [3, 45]]} for n in ("vtm", "jpeg")}})
    )
    results.sets = {"kodak": ["a.png", "b.png"], "another": ["b.png"]}
    curves = read_published(tmp_path / "p.json")
    Report(results, ["jpeg", "webp"], curves).write(tmp_path / "out", "trellic compare <&>")
    page, table = ((tmp_path / "out" / name).read_text() for name in ("index.html", "report.md"))
    for text in (page, table):
        assert all(label in text for label in ("JPEG", "WebP", "vtm", "a.png", "b.png"))
        assert not re.search(r"https?:|//\w", text.replace("</", ""))
    assert not re.search(r"\bnan\b", page)
    assert table.count("| JPEG | jpeg |") == 1  # measured here against published, on the one set that has curves
    clips = re.findall(r'clipPath id="([^"]+)"', page)
    assert len(clips) == len(set(clips)) == 2 * 2  # two sets in two measures; these pictures are too small for one
    files = re.findall(r'"(?:file|original)": "([^"]+)"', page)
    assert len(files) == 2 * 3
    for name in files:
        assert np.asarray(Image.open(tmp_path / "out" / name)).shape == (48, 64, 3)


def test_details_are_made_once(tmp_path):
    results, _ = compared(tmp_path / "r.json", images=("a.png",))
    assert measure_details(PEERS, "a.png", textured(48, 64), results, tmp_path)
    again = [peer._replace(encode=never) for peer in PEERS]
    assert not measure_details(again, "a.png", textured(48, 64), results, tmp_path)


def test_memory_is_that_of_a_fresh_process():
    from trellic.evaluate.memory import peak_bytes

    pixels = textured(64, 64)
    encode, decode = peak_bytes("jpeg", "base", 7, 50, pixels, JPEG.encode(pixels, 50))
    assert 20e6 < decode < 2e9
    assert 20e6 < encode < 2e9


def test_the_command_goes_on_past_a_bad_picture_and_reports_it(tmp_path):
    pytest.importorskip("ssimulacra2")
    Image.fromarray(textured(40, 50)).save(tmp_path / "a.png")
    (tmp_path / "aa.png").write_bytes(b"nonsense")
    command = [sys.executable, "-m", "trellic", "compare", ".", "--codecs", "webp,jpeg", "--report", "out"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "aa.png: left out" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out" / "index.html").exists()
    assert json.loads((tmp_path / "compare.json").read_text())["memory"]
