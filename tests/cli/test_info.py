"""trellic info: many files, what they carry, and which are damaged."""

import json

import numpy as np
from PIL import Image

from command import run_trellic
from conftest import GOLDEN, textured

MODEL = ("--model", GOLDEN / "golden.trm")


def test_many_files_say_what_they_carry(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = np.dstack([textured(40, 50), np.full((40, 50), 9, np.uint8)])
    Image.fromarray(clear).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(textured(40, 50)).save(tmp_path / "b.avif")
    assert run_trellic("encode", "a.png", "b.avif", "-o", "in", *MODEL, cwd=tmp_path).returncode == 0
    (tmp_path / "in" / "c.tlic").write_bytes(b"nonsense")
    result = run_trellic("info", "in", "--json", cwd=tmp_path)
    first, second, third = json.loads(result.stdout)
    assert (first["mode"], first["orientation"], first["profile"]) == ("RGBA", 6, "")
    assert (second["mode"], second["orientation"], second["profile"]) == ("RGB", 1, "sRGB")
    assert "not a .tlic file" in third["error"]
    assert result.returncode == 1
    assert result.stderr.decode().startswith("in/c.tlic: not a")


def test_a_pipe_says_what_it_carries(tmp_path):
    Image.fromarray(textured(40, 50)).save(tmp_path / "a.png")
    stream = run_trellic("encode", "a.png", "-o", "-", *MODEL, cwd=tmp_path).stdout
    assert run_trellic("info", "-", cwd=tmp_path, given=stream).stdout.decode().startswith("-: 50×40 RGB")


def test_facts_are_a_line_each(tmp_path):
    done = run_trellic("info", GOLDEN / "blocks.tlic", cwd=tmp_path)
    lines = done.stdout.decode().splitlines()
    assert "4 × 3 blocks" in lines
    assert len(lines) > 6
