"""Every example runs as it is, and is in the list of examples."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from trellic.model.store import installed

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
MADE = {
    "encode_decode": ["photograph.tlic", "photograph.png"],
    "pillow_plugin": ["photograph.tlic", "thumbnail.png"],
    "region": ["large.tlic", "region.png"],
    "search": [],
    "static_page": ["static-page/index.html", "static-page/tlic.wasm", "static-page/photograph.tlic"],
    "compare_quantizers": [],
    "latents": ["bits.png"],
    "train_small": ["tiny.trm"],
    "own_model": ["quarters.trm"],
    "adapt": ["fabric.tra", "fabric.png"],
    "slim": ["slim.trm"],
}
NEED_TORCH = {"own_model", "adapt", "slim"}
OF_THE_README = {"train_small"}
"""Run by tests/test_readme.py."""


def test_the_list_of_examples_is_complete():
    listed = re.findall(r"^\| `(\w+)\.py`", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [script.stem for script in SCRIPTS] == sorted(MADE)


@pytest.mark.parametrize("name", sorted(MADE.keys() - OF_THE_README))
def test_an_example_runs(name, tmp_path):
    if name in NEED_TORCH and not find_spec("torch"):
        pytest.skip("needs trellic[train]")
    if name == "search" and not installed(".features"):
        pytest.skip("the shipped model has no network of features")
    command = [sys.executable, EXAMPLES / f"{name}.py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    for file in MADE[name]:
        assert (tmp_path / file).stat().st_size > 0
