"""The commands as a user types them: results, messages, exit codes, nothing lost, nothing half written."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from command import in_words, run_trellic
from conftest import GOLDEN, textured
from trellic.cli import app, join_numbers
from trellic.errors import BadRequest


def trellic(*arguments, cwd=GOLDEN):
    """Run a command; pictures are coded with the golden model, which is quick, unless another is asked for."""
    model = ("--model", GOLDEN / "golden.trm") if arguments[0] in {"encode", "evaluate"} else ()
    return in_words(run_trellic(arguments[0], *model, *arguments[1:], cwd=cwd))


def test_a_folder_goes_and_comes_back(folder):
    assert trellic("encode", "in", "-o", "coded", cwd=folder).returncode == 0
    assert sorted(path.name for path in (folder / "coded").rglob("*.*")) == ["a.tlic", "b.tlic", "c.tlic"]
    result = trellic("decode", "coded", "-o", "out", "--json", cwd=folder)
    assert result.returncode == 0
    assert [record["width"] for record in json.loads(result.stdout)] == [50, 50, 50]
    assert np.asarray(Image.open(folder / "out" / "deep" / "c.png")).shape == (40, 50, 3)


def test_a_batch_goes_on_past_a_bad_file_and_reports_it(folder):
    (folder / "in" / "aa.png").write_bytes(b"nonsense")
    result = trellic("encode", "in/*.png", "-o", "coded", "--quality", 20, "--json", cwd=folder)
    assert result.returncode == 1
    records = json.loads(result.stdout)
    assert [("error" in record) for record in records] == [False, True, False]
    assert "in/aa.png" in result.stderr
    assert "1 of 3 failed" in result.stderr
    assert sorted(path.name for path in (folder / "coded").iterdir()) == ["a.tlic", "b.tlic"]


def test_nothing_is_overwritten_without_force(folder):
    assert trellic("encode", "in/a.png", cwd=folder).returncode == 0
    before = (folder / "in" / "a.tlic").read_bytes()
    refused = trellic("encode", "in/a.png", "--quality", 10, cwd=folder)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert (folder / "in" / "a.tlic").read_bytes() == before
    assert trellic("encode", "in/a.png", "--quality", 10, "--force", cwd=folder).returncode == 0
    assert (folder / "in" / "a.tlic").read_bytes() != before


def test_evaluating_overwrites_no_file(folder):
    before = (folder / "in" / "b.png").read_bytes()
    refused = trellic("evaluate", "in/a.png", "--quality", 10, "--json", "in/b.png", cwd=folder)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert (folder / "in" / "b.png").read_bytes() == before


def test_two_pictures_for_one_file_are_told(folder):
    Image.fromarray(textured(40, 50)).save(folder / "in" / "a.jpg")
    result = trellic("encode", "in/a.png", folder / "in" / "a.jpg", cwd=folder)
    assert result.returncode == 1
    assert "another input" in result.stderr


def test_a_name_that_the_terminal_has_no_letters_for_stops_nothing(folder):
    (folder / "in" / "a.png").rename(folder / "in" / "\u017c.png")
    command = [sys.executable, "-m", "trellic", "encode", "in", "-o", "out", "--model", GOLDEN / "golden.trm"]
    narrow = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(command, capture_output=True, cwd=folder, env=narrow, check=False)
    assert result.returncode == 0
    assert b"\\u017c.png" in result.stdout


def test_a_kind_that_cannot_be_written_is_refused_at_once(folder):
    for kind in ("nosuch", "a/b", ""):
        result = trellic("decode", "in/a.tlic", "--format", kind, cwd=folder)
        assert result.returncode == 1
        assert "cannot be written" in result.stderr


def test_evaluating_goes_on_past_a_bad_file_and_reports_it(folder):
    (folder / "in" / "aa.png").write_bytes(b"nonsense")
    result = trellic("evaluate", "in", "--quality", 30, "--json", "r.json", cwd=folder)
    assert result.returncode == 1
    assert "aa.png" in result.stderr
    assert len((folder / "r.json").read_text().splitlines()) == 1 + 3


def test_a_batch_makes_the_same_files_as_one_by_one(folder):
    assert trellic("encode", "in", "-o", "together", cwd=folder).returncode == 0
    for name in ("a", "b"):
        assert trellic("encode", f"in/{name}.png", "-o", "alone", cwd=folder).returncode == 0
        assert (folder / "alone" / f"{name}.tlic").read_bytes() == (folder / "together" / f"{name}.tlic").read_bytes()


def test_verify_names_the_bad_file_and_goes_on(folder):
    assert trellic("encode", "in", "-o", "coded", cwd=folder).returncode == 0
    data = (folder / "coded" / "a.tlic").read_bytes()
    (folder / "coded" / "a.tlic").write_bytes(data[:-9] + b"x" + data[-8:])
    result = trellic("verify", "coded", cwd=folder)
    assert result.returncode == 1
    assert "a.tlic" in result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(len(line.split()[0]) == 64 for line in lines)


def test_two_inputs_for_one_output_are_not_both_written(folder):
    Image.fromarray(textured(20, 20, 5)).save(folder / "in" / "a.bmp")
    result = trellic("encode", "in", "-o", "coded", "--json", cwd=folder)
    records = {record["source"]: record for record in json.loads(result.stdout)}
    assert result.returncode == 1
    assert "another input" in records["in/a.png"]["error"]
    assert records["in/a.bmp"]["height"] == 20


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty", "missing"])
def test_bad_streams_are_one_line_and_write_nothing(folder, damage):
    trellic("encode", "in/a.png", "-o", "a.tlic", cwd=folder)
    path = folder / "a.tlic"
    data = bytearray(path.read_bytes())
    if damage == "truncated":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        data[len(data) // 2] ^= 16
    elif damage == "foreign":
        data = bytearray((folder / "in" / "a.png").read_bytes())
    elif damage == "empty":
        data = bytearray()
    path.write_bytes(data)
    if damage == "missing":
        path.unlink()
    result = trellic("decode", "a.tlic", "-o", "a.png", cwd=folder)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert not (folder / "a.png").exists()
    assert not list(folder.glob(".a.png*"))


def test_info_and_models_speak_json(folder):
    trellic("encode", "in/a.png", "-o", "a.tlic", cwd=folder)
    (facts,) = json.loads(trellic("info", "a.tlic", "--json", cwd=folder).stdout)
    models = json.loads(trellic("models", "--json").stdout)
    names = [model["name"] for model in models if model["hash"].startswith(facts["model"])]
    assert names == [facts["model_name"]] == ["golden"]


def test_the_decoder_is_at_most_twenty_kilo_macs_a_pixel():
    assert json.loads(trellic("macs", "--json").stdout)["decoder"] <= 20_000


def test_evaluate_writes_the_records_it_promises(folder):
    arguments = ("evaluate", "in/a.png", "--quality", 20, 80, "--json", "r.json")
    assert trellic(*arguments, cwd=folder).returncode == 0
    head, *records = map(json.loads, (folder / "r.json").read_text().splitlines())
    assert head["command"].endswith("--quality '20 80' --json r.json")
    assert len(head["model"]) == 16
    assert [record["setting"] for record in records] == [20, 80]
    assert all(record["bytes"] > 0 and record["psnr"] > 20 for record in records)


def test_wrong_requests_are_one_line(folder):
    for arguments in (
        ("encode", "nowhere/*.png"),
        ("encode", "in", "--model", "nosuch"),
        ("encode", "in", "--bpp", 1, "--size", 4),
        ("encode", "in", "--quantizer", "nosuch"),
        ("train", "--config", "nosuch.toml", "--out", "run"),
    ):
        result = trellic(*arguments, cwd=folder)
        assert result.returncode == 1
        assert len(result.stderr.strip().splitlines()) == 1


def test_two_inputs_never_become_one_file(folder):
    Image.fromarray(textured(40, 50)).save(folder / "in" / "a.webp")
    result = trellic("encode", "in/a.png", "in/a.webp", "-o", "coded", "--force", cwd=folder)
    assert result.returncode == 1
    assert "another input" in result.stderr
    assert len(list((folder / "coded").iterdir())) == 1


def test_numbers_after_an_option_belong_to_it():
    for option in ("--quality", "-q"):
        joined = join_numbers(["trellic", "evaluate", "a.png", option, "10", "30.5", "--json", "7"])
        assert joined == ["trellic", "evaluate", "a.png", option, "10 30.5", "--json", "7"]


def test_a_region_of_tiles_is_decoded(folder):
    Image.fromarray(textured(300, 600)).save(folder / "wide.png")
    assert trellic("encode", "wide.png", "--tile", 256, cwd=folder).returncode == 0
    assert json.loads(trellic("info", "wide.tlic", "--json", cwd=folder).stdout)[0]["tiles"] == [2, 1]
    crop = ("decode", "wide.tlic", "-o", "out.png", "--crop", "200,10,300,50")
    assert trellic(*crop, cwd=folder).returncode == 0
    with Image.open(folder / "out.png") as region:
        assert region.size == (300, 50)
    whole = trellic("decode", "wide.tlic", "-o", "out.png", "--resume", cwd=folder)
    assert "it is 300×50, not 600×300" in whole.stderr
    for wrong in ("1,2,3", "0,0,601,5", "a,b,c,d"):
        refused = trellic("decode", "wide.tlic", "-o", "x.png", "--crop", wrong, cwd=folder)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_pipes_are_read(folder):
    os.mkfifo(folder / "pipe")

    def through_pipe(source, *arguments):
        command = [sys.executable, "-m", "trellic", *arguments]
        environment = {**os.environ, "TRELLIC_MODELS": str(GOLDEN)}
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment) as process:
            (folder / "pipe").write_bytes((folder / source).read_bytes())
            return process.wait()

    assert through_pipe("in/a.png", "encode", "pipe", "-o", "a.tlic", "--model", GOLDEN / "golden.trm") == 0
    assert through_pipe("a.tlic", "decode", "pipe", "-o", "a.png") == 0
    assert Image.open(folder / "a.png").size == (50, 40)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("decode a.tlic --frames 1:2", "--frames is for videos"),
        ("encode a.png --bitrate 100", "--bitrate is for videos"),
        ("encode a.png --gop 4", "--gop is for videos"),
        ("encode a.mp4 --tile 512", "--tile is for pictures"),
        ("encode a.png --hold --effort 2", "--effort does not go with --hold"),
        ("encode - --resume", "--resume reads a source twice"),
        ("decode a.tlv --layers 2", "--layers is for pictures"),
        ("decode a.tlic --resume --realism 0.5", "--realism does not go with --resume"),
        ("decode a.tlic --carry --crop 0,0,5,5", "--crop does not go with --carry"),
        ("decode a.tlic --preview 8 --groups 1", "--groups does not go with --preview"),
        ("tiles a.tlic -o tiles --open", "--open is for --serve"),
        ("evaluate in --quality high", "qualities 'high' are not numbers"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_work(folder, arguments, said, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, arguments.split())
    assert isinstance(done.exception, BadRequest)
    assert said in str(done.exception)


def test_a_bulk_run_proves_streams(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    (folder / "coded").mkdir()
    for name in ("uniform", "tcq8"):
        shutil.copy(GOLDEN / f"{name}.tlic", folder / "coded")
    done = CliRunner().invoke(app, ["bulk", "verify", "coded", "-o", "proof", "--jobs", "1", "--quiet"])
    assert (done.exit_code, done.exception) == (0, None)
    assert list((folder / "proof").rglob("*.jsonl"))
