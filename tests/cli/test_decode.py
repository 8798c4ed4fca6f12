"""trellic decode: to every kind, with nothing lost unsaid."""

import numpy as np
import pytest
from PIL import Image

from command import run_trellic
from conftest import GOLDEN, textured

MODEL = ("--model", GOLDEN / "golden.trm")


@pytest.fixture
def folder(tmp_path):
    alpha = np.full((40, 50), 100, np.uint8)
    Image.fromarray(np.dstack([textured(40, 50), alpha])).save(tmp_path / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(textured(40, 50)).save(tmp_path / "turned.jpg", exif=exif)
    for name in ("clear.png", "turned.jpg"):
        assert run_trellic("encode", name, *MODEL, cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.mark.parametrize("suffix", ["bmp", "ppm", "gif", "jpg"])
def test_alpha_needs_a_background_where_the_kind_has_none(folder, suffix):
    refused = run_trellic("decode", "clear.tlic", "-o", f"x.{suffix}", cwd=folder)
    assert refused.returncode == 1
    assert b"--background" in refused.stderr
    assert not (folder / f"x.{suffix}").exists()
    done = run_trellic("decode", "clear.tlic", "-o", f"x.{suffix}", "--background", "white", cwd=folder)
    assert done.returncode == 0
    with Image.open(folder / f"x.{suffix}") as image:
        assert image.size == (50, 40)


@pytest.mark.parametrize("suffix", ["bmp", "ppm", "jp2", "gif", "tga", "ico"])
def test_a_turned_picture_is_upright_in_kinds_that_cannot_say_so(folder, suffix):
    assert run_trellic("decode", "turned.tlic", "-o", f"x.{suffix}", cwd=folder).returncode == 0
    with Image.open(folder / f"x.{suffix}") as image:
        assert image.size == (40, 50)


def test_a_wrong_colour_is_said_before_any_work(folder):
    result = run_trellic("decode", "clear.tlic", "-o", "x.bmp", "--background", "nosuch", cwd=folder)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)


def test_realism_is_refused_where_it_means_nothing(folder):
    for options in ((), ("--preview", 8), ("--carry",)):
        result = run_trellic("decode", "clear.tlic", "-o", "x.png", "--realism", 0.5, *options, cwd=folder)
        assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
        assert not (folder / "x.png").exists()


def test_errors_name_the_file(folder):
    (folder / "clear.tlic").write_bytes((folder / "clear.tlic").read_bytes()[:-3])
    result = run_trellic("decode", "clear.tlic", "turned.tlic", "-o", "out", cwd=folder)
    assert result.stderr.decode().startswith("clear.tlic: ")
    assert (folder / "out" / "turned.png").exists()


def test_of_a_file_that_is_cut_off_the_whole_tiles_are_shown_on_request(folder):
    Image.fromarray(textured(300, 700)).save(folder / "wide.png")
    assert run_trellic("encode", "wide.png", "--tile", 256, *MODEL, cwd=folder).returncode == 0
    data = (folder / "wide.tlic").read_bytes()
    (folder / "cut.tlic").write_bytes(data[:-3])
    refused = run_trellic("decode", "cut.tlic", cwd=folder)
    assert refused.returncode == 1
    assert b"cut off" in refused.stderr
    assert run_trellic("verify", "cut.tlic", cwd=folder).returncode == 1
    shown = run_trellic("decode", "cut.tlic", "--partial", cwd=folder)
    assert shown.returncode == 0
    assert b"1 of 3 tiles are missing" in shown.stderr
    with Image.open(folder / "cut.png") as image:
        assert (image.size, image.getpixel((699, 0))) == ((700, 300), (128, 128, 128))


def test_of_a_tile_that_is_cut_off_the_groups_that_are_there_are_shown(folder):
    Image.fromarray(textured(300, 200)).save(folder / "a.png")
    assert run_trellic("encode", "a.png", "--prefixes", *MODEL, cwd=folder).returncode == 0
    (folder / "front.tlic").write_bytes((folder / "a.tlic").read_bytes()[:-3])
    shown = run_trellic("decode", "front.tlic", "--partial", cwd=folder)
    assert (shown.returncode, b"first groups" in shown.stderr) == (0, True)
    with Image.open(folder / "front.png") as image:
        assert image.size == (200, 300)


def test_a_preview_is_small_and_groups_are_not(folder):
    done = run_trellic("decode", "turned.tlic", "--preview", 8, "-o", "small.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert run_trellic("decode", "turned.tlic", "--groups", 1, "-o", "rough.png", cwd=folder).returncode == 0
    with Image.open(folder / "small.png") as small, Image.open(folder / "rough.png") as rough:
        assert (small.size, rough.size) == ((7, 5), (50, 40))


@pytest.mark.parametrize("options", [("--preview", 3), ("--groups", 99), ("--preview", 8, "--groups", 1)])
def test_an_impossible_preview_is_one_line(folder, options):
    result = run_trellic("decode", "turned.tlic", *options, "-o", "x.png", cwd=folder)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert not (folder / "x.png").exists()


def test_a_carried_stream_comes_back_byte_for_byte(folder):
    stream = (folder / "turned.tlic").read_bytes()
    assert run_trellic("decode", "turned.tlic", "--carry", "-o", "x.png", cwd=folder).returncode == 0
    again = run_trellic("encode", "x.png", "-o", "again.tlic", *MODEL, cwd=folder)
    assert again.returncode == 0
    assert (folder / "again.tlic").read_bytes() == stream
    for options in (("-o", "x.jpg"), ("--crop", "0,0,5,5", "-o", "y.png")):
        refused = run_trellic("decode", "turned.tlic", "--carry", *options, cwd=folder)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
