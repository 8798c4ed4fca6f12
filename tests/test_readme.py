"""README's shell and Python lines run in order, as a reader would type them; only installing is left to the reader."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from conftest import textured

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEEDED = {"compare": "ssimulacra2", "train": "torch", "large": "pyvips", "docs": "mkdocs"}
"""A module that each extra installs."""


def blocks() -> list[tuple[str, str]]:
    """Return language and text of each block, without the lines that install something."""
    found = []
    for language, text in BLOCK.findall((ROOT / "README.md").read_text()):
        extras = re.findall(r'^pip install .*"\.\[(\w+)', text, re.MULTILINE)
        if all(find_spec(NEEDED[extra]) for extra in extras):
            found.append((language, re.sub(r"^pip install [^\n]*?(?:\n| && )", "", text, flags=re.MULTILINE)))
    return [(language, text) for language, text in found if text.strip() != "pytest"]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder as the reader has it: pictures, the examples, and the commands in PATH."""
    (tmp_path / "photos").mkdir()
    for number in range(2):
        Image.fromarray(textured(160, 192, number)).save(tmp_path / "photos" / f"{number}.png")
    Image.fromarray(textured(160, 192, 2)).save(tmp_path / "photo.png")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "bin").mkdir()
    for name, arguments in (("trellic", "-m trellic"), ("python", "")):
        command = tmp_path / "bin" / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        command.chmod(0o755)
    return tmp_path


def test_the_readmes_lines_run_in_order(desk):
    environment = {**os.environ, "PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    for language, text in blocks():
        command = ["bash", "-euo", "pipefail", "-c", text] if language == "bash" else [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"
    assert (desk / "trellic-demo" / "comparison.png").exists()
    assert (desk / "small.tlic").stat().st_size <= 5000
    with Image.open(desk / "detail.png") as detail:
        assert detail.size == (48, 40)


def test_ci_installs_what_the_readme_says():
    assert re.search(r"<!-- test -->\n```bash\npip install .* && pytest\n```", (ROOT / "README.md").read_text())
