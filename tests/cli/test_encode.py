"""trellic encode: what users hand it, where it goes, and what is said."""

import io
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

import trellic
from command import run_trellic
from conftest import GOLDEN, textured

MODEL = ("--model", GOLDEN / "golden.trm")
KINDS = ["jfif", "jpe", "pbm", "pnm", "apng", "dib", "ico", "pgm", "qoi", "tga", "jp2", "webp", "avif"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    for number, name in enumerate("ba"):
        Image.fromarray(textured(40, 50, number)).save(tmp_path / f"{name}.png")
    return tmp_path


def said(result) -> list[str]:
    return result.stderr.decode().splitlines()


def test_a_picture_goes_through_pipes(folder):
    given = (folder / "a.png").read_bytes()
    result = run_trellic("encode", "-", *MODEL, cwd=folder, given=given)
    assert result.returncode == 0
    assert trellic.info(result.stdout)["width"] == 50
    assert said(result)[0].startswith("- → -")
    back = run_trellic("decode", "-", "--format", "bmp", cwd=folder, given=result.stdout)
    with Image.open(io.BytesIO(back.stdout)) as image:
        assert (image.format, image.size) == ("BMP", (50, 40))
    assert run_trellic("encode", "-", "-o", "x.tlic", *MODEL, cwd=folder, given=given).returncode == 0
    assert (folder / "x.tlic").read_bytes() == result.stdout
    assert run_trellic("encode", "a.png", "-o", "-", *MODEL, cwd=folder).stdout == result.stdout


@pytest.mark.parametrize("arguments", [("-", "a.png"), ("a.png", "b.png", "-o", "-"), ("-", "--json")])
def test_standard_files_are_for_one_picture(folder, arguments):
    result = run_trellic("encode", *arguments, *MODEL, cwd=folder, given=(folder / "a.png").read_bytes())
    assert (result.returncode, len(said(result)), result.stdout) == (1, 1, b"")


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_that_pillow_reads_counts_as_a_picture(folder, suffix):
    (folder / "in").mkdir()
    kind = Image.registered_extensions()[f".{suffix}"]
    Image.fromarray(textured(40, 50)).convert("1" if suffix == "pbm" else "RGB").save(
        folder / "in" / f"x.{suffix}", kind
    )
    result = run_trellic("encode", "in", "-o", "out", *MODEL, cwd=folder)
    assert result.returncode == 0, said(result)
    assert (folder / "out" / "x.tlic").exists()


def test_inputs_are_done_in_the_order_given(folder):
    result = run_trellic("encode", "b.png", "a.png", "./b.png", "--json", *MODEL, cwd=folder)
    assert [record["source"] for record in json.loads(result.stdout)] == ["b.png", "a.png"]


def test_two_inputs_for_one_target_are_told_before_any_work_and_the_first_wins(folder):
    Image.fromarray(textured(60, 50)).save(folder / "a.jpg")
    result = run_trellic("encode", "a.png", "a.jpg", "b.png", "-o", "out", *MODEL, cwd=folder)
    assert result.returncode == 1
    assert said(result)[0] == "a.jpg: out/a.tlic is what another input, a.png, is written to"
    assert trellic.info((folder / "out" / "a.tlic").read_bytes())["height"] == 40


def test_names_can_keep_their_suffix_there_and_back(folder):
    Image.fromarray(textured(60, 50)).save(folder / "a.jpg")
    assert run_trellic("encode", "a.png", "a.jpg", "-o", "out", "--keep-suffix", *MODEL, cwd=folder).returncode == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.jpg.tlic", "a.png.tlic"]
    assert run_trellic("decode", "out", "-o", "back", cwd=folder).returncode == 0
    assert sorted(path.name for path in (folder / "back").iterdir()) == ["a.jpg.png", "a.png"]


def test_quiet_says_nothing_but_errors(folder):
    (folder / "bad.png").write_bytes(b"nonsense")
    Image.fromarray(textured(40, 50)).save(folder / "c.jpg", comment="lost")
    result = run_trellic("encode", "a.png", "bad.png", "c.jpg", "--quiet", *MODEL, cwd=folder)
    assert (result.returncode, result.stdout) == (1, b"")
    assert [line.split(":")[0] for line in said(result)] == ["bad.png", "1 of 3 failed"]


def test_jobs_and_threads_change_no_byte(folder):
    for name, options, variables in (
        ("one", ("--jobs", "1"), {}),
        ("two", ("--jobs", "2"), {}),
        ("few", (), {"TRELLIC_THREADS": "1"}),
    ):
        arguments = ("encode", "a.png", "b.png", "-o", name, *options, *MODEL)
        assert run_trellic(*arguments, cwd=folder, **variables).returncode == 0
    assert len({(folder / name / "a.tlic").read_bytes() for name in ("one", "two", "few")}) == 1
    wrong = run_trellic("encode", "a.png", *MODEL, cwd=folder, TRELLIC_THREADS="many")
    assert (wrong.returncode, len(said(wrong))) == (1, 1)


def test_metadata_is_stripped_as_asked(folder):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    xmp = b"<x:xmpmeta/>"
    Image.fromarray(textured(40, 50)).save(folder / "c.jpg", exif=exif, xmp=xmp, dpi=(300, 300))

    def kept(*options: str) -> Image.Image:
        result = run_trellic("encode", "c.jpg", "-o", "-", *options, *MODEL, cwd=folder)
        assert result.returncode == 0, said(result)
        return trellic.decode(result.stdout)

    assert {"exif", "xmp", "dpi"} <= set(kept().info)
    assert set(kept("--keep", "xmp").info) == {"xmp", "exif"}  # which way up it is stays
    alone = kept("--strip", "all")
    assert (alone.getexif().get(0x0112), alone.getexif().get(0x010F)) == (6, None)
    assert "exif" in kept("--strip", "xmp,resolution").info
    for wrong in (("--strip", "gps"), ("--strip", "exif", "--keep", "xmp")):
        assert run_trellic("encode", "c.jpg", *wrong, *MODEL, cwd=folder).returncode == 1


@pytest.mark.parametrize(
    ("options", "said_of"),
    [
        (("-q", "90"), "quality 20, not 90"),
        (("-q", "20", "--quantizer", "uniform"), "not uniform"),
        (("--size", "5"), "more than 5"),
    ],
)
def test_resuming_skips_nothing_that_was_asked_for_otherwise(folder, options, said_of):
    assert run_trellic("encode", "a.png", "-q", "20", *MODEL, cwd=folder).returncode == 0
    assert run_trellic("encode", "a.png", "-q", "20", *MODEL, "--resume", cwd=folder).returncode == 0
    result = run_trellic("encode", "a.png", *options, *MODEL, "--resume", cwd=folder)
    assert result.returncode == 1
    assert said_of in result.stderr.decode()


def test_a_closed_standard_output_is_no_fault(folder):
    command = f'"{sys.executable}" -m trellic encode a.png --model "{GOLDEN / "golden.trm"}" >&-'
    result = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert trellic.info((folder / "a.tlic").read_bytes())["width"] == 50


def test_a_link_is_followed(folder):
    (folder / "elsewhere").mkdir()
    (folder / "a.tlic").symlink_to(folder / "elsewhere" / "real.tlic")
    assert run_trellic("encode", "a.png", *MODEL, cwd=folder).returncode == 0
    assert (folder / "a.tlic").is_symlink()
    assert trellic.info((folder / "elsewhere" / "real.tlic").read_bytes())["width"] == 50
    assert "exists" in said(run_trellic("encode", "a.png", *MODEL, cwd=folder))[0]


def test_nothing_is_lost_where_that_is_asked(folder):
    assert run_trellic("encode", "a.png", "--lossless", *MODEL, cwd=folder).returncode == 0
    assert run_trellic("decode", "a.tlic", "-o", "back.png", cwd=folder).returncode == 0
    with Image.open(folder / "a.png") as image, Image.open(folder / "back.png") as back:
        assert image.tobytes() == back.tobytes()
    assert run_trellic("encode", "a.png", "--lossless", "--resume", *MODEL, cwd=folder).returncode == 0
    assert run_trellic("encode", "a.png", "-q", "100", "--resume", *MODEL, cwd=folder).returncode == 0
    assert run_trellic("encode", "b.png", "-q", "100", *MODEL, cwd=folder).returncode == 0
    refused = run_trellic("encode", "b.png", "--lossless", "--resume", *MODEL, cwd=folder)
    assert refused.returncode == 1
    assert "not lossless" in said(refused)[0]


def test_hold_is_a_quantizer_of_its_own(folder):
    assert run_trellic("encode", "a.png", "--hold", *MODEL, cwd=folder).returncode == 0
    assert trellic.info(folder / "a.tlic")["quantizer"] == "lattice"
    refused = run_trellic("encode", "b.png", "--hold", "--quantizer", "rdoq", *MODEL, cwd=folder)
    assert (refused.returncode, len(said(refused))) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--quantizer", "tcq8", "--effort", "9"), "--effort does not go with --quantizer"),
        (("--size", "900", "--quality", "40"), "--quality does not go with"),
        (("--lossless", "--quality", "40"), "--quality does not go with"),
        (("-o", "a.png", "--force"), "a.png is what is read"),
        (("-o", "x.png"), "x.png: a picture becomes a .tlic file"),
        (("-o", "x.tlv"), "x.tlv: a picture becomes a .tlic file"),
        (("-o", "x.mpg"), "x.mpg: a picture becomes a .tlic file"),
    ],
)
def test_what_would_be_ignored_or_misnamed_is_refused(folder, arguments, words):
    before = (folder / "a.png").read_bytes()
    result = run_trellic("encode", "a.png", *arguments, *MODEL, cwd=folder)
    assert (result.returncode, len(said(result))) == (1, 1)
    assert words in said(result)[0]
    assert (folder / "a.png").read_bytes() == before


def test_a_pipe_is_written_into_and_read_by_nobody(folder):
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for more in ((), ("--resume",)):
        result = run_trellic("encode", "a.png", "-o", "pipe", *more, *MODEL, cwd=folder)
        assert result.returncode == 0, said(result)
        assert trellic.info(os.read(reader, 1 << 16))["width"] == 50
    os.close(reader)


def test_a_picture_is_not_replaced_by_its_own_stream(folder):
    (folder / "a.png").rename(folder / "a.tlic")
    (folder / "b.tlic").symlink_to("a.tlic")
    for out in ("a.tlic", "b.tlic"):
        result = run_trellic("encode", "a.tlic", "-o", out, "--force", *MODEL, cwd=folder)
        assert (result.returncode, said(result)[0].endswith("is what is read")) == (1, True), said(result)


def test_blocks_have_a_side_where_none_is_asked_for(folder):
    assert run_trellic("encode", "a.png", "--predict", *MODEL, cwd=folder).returncode == 0
    assert (
        run_trellic("encode", "a.png", "-o", "b.tlic", "--predict", "--tile", 128, *MODEL, cwd=folder).returncode == 0
    )
    assert (folder / "a.tlic").read_bytes() == (folder / "b.tlic").read_bytes()


def test_nothing_is_embedded_without_an_adapter(folder):
    result = run_trellic("encode", "a.png", "--embed", *MODEL, cwd=folder)
    assert result.returncode == 1
    assert said(result) == ["trellic: --embed needs an --adapter"]


def test_what_was_asked_for_and_reached_is_in_the_record(folder):
    (made,) = json.loads(run_trellic("encode", "a.png", "--psnr", 25, "--json", *MODEL, cwd=folder).stdout)
    assert made["psnr"] >= 25
    for verb in ("decode", "verify"):
        (facts,) = json.loads(
            run_trellic(verb, "a.tlic", "--json", *(["--force"] if verb == "decode" else []), cwd=folder).stdout
        )
        assert (facts["source_bytes"], facts["width"], facts["height"]) == (made["bytes"], 50, 40)


@pytest.mark.parametrize("verb", ["evaluate", "compare", "stability"])
def test_a_file_of_records_is_not_called_as_an_option_is(folder, verb):
    result = run_trellic(verb, "a.png", "--json", "--effort", "1", cwd=folder)
    assert result.returncode == 1
    assert said(result) == ["trellic: --effort is no name of a file: --json FILE takes one here"]
    assert not (folder / "--effort").exists()
