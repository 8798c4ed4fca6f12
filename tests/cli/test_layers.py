"""trellic layers, and layers in other verbs."""

import json
from pathlib import Path

import pytest
from PIL import Image

from command import run_trellic
from conftest import GOLDEN, textured

MODEL = ("--model", GOLDEN / "golden.trm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    Image.fromarray(textured(100, 150)).save(folder / "a.png")
    assert run_trellic("encode", "a.png", "--layers", 4, "-q", 80, *MODEL, cwd=folder).returncode == 0
    return folder


def facts_of(name: str, folder: Path) -> dict:
    return json.loads(run_trellic("info", name, "--json", cwd=folder).stdout)[0]


def test_a_file_is_not_cut_in_its_place(folder):
    before = (folder / "a.tlic").read_bytes()
    done = run_trellic("layers", "a.tlic", "-o", "a.tlic", "--keep", 1, "--force", cwd=folder)
    assert (done.returncode, (folder / "a.tlic").read_bytes()) == (1, before)
    assert b"is what is read" in done.stderr


def test_all_verbs_have_the_same_facts_of_a_file(folder):
    rows = [
        json.loads(run_trellic(*command, "--json", cwd=folder).stdout)[0]
        for command in (
            ("encode", "a.png", "--layers", 4, "-q", 80, "-o", "b.tlic", *MODEL),
            ("decode", "b.tlic", "-o", "b.png"),
            ("verify", "b.tlic"),
            ("info", "b.tlic"),
        )
    ]
    facts = [[row[name] for name in ("width", "height", "bpp", "quantizer", "model", "model_name")] for row in rows]
    assert facts == facts[:1] * 4
    assert facts[0][3:] == ["nested", rows[3]["model"], "golden"]


def test_layers_are_listed_with_their_sizes(folder):
    facts = facts_of("a.tlic", folder)
    sizes = [layer["bytes"] for layer in facts["layers"]]
    assert (len(sizes), sizes[-1], facts["quantizer"]) == (4, facts["bytes"], "nested")
    assert sizes == sorted(sizes)
    assert b"to layer 2" in run_trellic("info", "a.tlic", cwd=folder).stdout


def test_kept_layers_are_a_whole_file_of_the_size_that_was_listed(folder):
    listed = facts_of("a.tlic", folder)["layers"]
    assert run_trellic("layers", "a.tlic", "--keep", 2, "-o", "two.tlic", cwd=folder).returncode == 0
    assert (folder / "two.tlic").stat().st_size <= listed[1]["bytes"]
    assert run_trellic("verify", "two.tlic", cwd=folder).returncode == 0
    size = (folder / "two.tlic").stat().st_size
    assert run_trellic("layers", "a.tlic", "--size", size, "-o", "fits.tlic", cwd=folder).returncode == 0
    assert (folder / "fits.tlic").read_bytes() == (folder / "two.tlic").read_bytes()
    assert run_trellic("decode", "a.tlic", "--layers", 2, "-o", "first.png", cwd=folder).returncode == 0
    assert run_trellic("decode", "two.tlic", cwd=folder).returncode == 0
    assert (folder / "first.png").read_bytes() == (folder / "two.png").read_bytes()


def test_a_cut_file_says_which_layer_is_cut_and_is_shown_on_request(folder):
    (folder / "cut.tlic").write_bytes((folder / "a.tlic").read_bytes()[:-9])
    refused = run_trellic("decode", "cut.tlic", cwd=folder)
    assert (refused.returncode, refused.stderr.count(b"\n")) == (1, 1)
    assert b"layer 4 of 4 is cut; decode --partial" in refused.stderr
    assert run_trellic("verify", "cut.tlic", cwd=folder).returncode == 1
    shown = run_trellic("decode", "cut.tlic", "--partial", cwd=folder)
    assert shown.returncode == 0
    assert b"layer 4 is cut: shown as far as it goes" in shown.stderr
    assert (folder / "cut.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("layers", "a.tlic", "-o", "x.tlic"),
        ("layers", "a.tlic", "--keep", 9, "-o", "x.tlic"),
        ("layers", "a.tlic", "--size", 20, "-o", "x.tlic"),
        ("layers", "plain.tlic", "--keep", 1, "-o", "x.tlic"),
        ("decode", "plain.tlic", "--layers", 1, "-o", "x.png"),
        ("decode", "a.tlic", "--layers", 5, "-o", "x.png"),
        ("encode", "a.png", "--layers", 99, "-o", "x.tlic", *MODEL),
        ("encode", "a.png", "--layers", 3, "--hold", "-o", "x.tlic", *MODEL),
    ],
)
def test_impossible_layers_are_one_line(folder, arguments):
    if not (folder / "plain.tlic").exists():
        assert run_trellic("encode", "a.png", "-o", "plain.tlic", *MODEL, cwd=folder).returncode == 0
    refused = run_trellic(*arguments, cwd=folder)
    assert (refused.returncode, refused.stderr.count(b"\n")) == (1, 1), refused.stderr
    assert not {path.name for path in folder.iterdir()} & {"x.tlic", "x.png"}


def test_a_resumed_run_keeps_files_of_as_many_layers(folder):
    before = (folder / "a.tlic").stat().st_mtime_ns
    assert run_trellic("encode", "a.png", "--layers", 4, "-q", 80, "--resume", *MODEL, cwd=folder).returncode == 0
    assert (folder / "a.tlic").stat().st_mtime_ns == before
    refused = run_trellic("encode", "a.png", "--layers", 3, "-q", 80, "--resume", *MODEL, cwd=folder)
    assert b"it has 4 layers, not 3" in refused.stderr


def test_no_stream_is_written_under_the_name_of_a_picture(folder):
    done = run_trellic("layers", "a.tlic", "--keep", 1, "-o", "c.png", cwd=folder)
    assert done.returncode == 1
    assert b"becomes a .tlic file" in done.stderr
    assert not (folder / "c.png").exists()
