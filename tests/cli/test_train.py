"""trellic train: recipes by name, and nothing left behind where there is nothing to train on."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from command import run_trellic
from conftest import textured
from trellic.errors import BadConfig

pytest.importorskip("torch")

from trellic.train.run import RECIPES, read_config, recipe_named


def test_a_recipe_has_a_name(tmp_path):
    assert read_config(recipe_named("quick"), {}).minutes == 5
    assert recipe_named("base") == RECIPES / "base.toml"
    assert recipe_named(str(tmp_path / "own.toml")) == tmp_path / "own.toml"
    with pytest.raises(BadConfig, match="quick"):
        recipe_named("nosuch")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_are_sound(path):
    config = read_config(path, {})
    assert config.minutes or config.steps


def test_no_folder_is_made_before_pictures_are_found(tmp_path):
    for missing in ("--pictures", "--validation"):
        result = run_trellic("train", "-c", "quick", "-o", "run", missing, "nowhere", "--minutes", "1", cwd=tmp_path)
        assert result.returncode == 1
        assert b"no pictures found" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_start_takes_the_place_of_the_configurations(tmp_path):
    Image.fromarray(textured(256, 256)).save(tmp_path / "a.png")
    given = "-c", "quick", "-o", "run", "--pictures", ".", "--validation", ".", "--minutes", "0.01"
    result = run_trellic("train", *given, "--start", "nosuch.trm", cwd=tmp_path)
    assert result.returncode == 1
    assert b"nosuch.trm" in result.stderr


@pytest.mark.parametrize(("given", "found"), [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_that_wait_sleep_soon_unless_the_environment_says_otherwise(given, found):
    """It has to be so before torch is loaded."""
    code = """
import os, sys
sys.modules["torch"] = None
from trellic.cli.train import need_torch
from trellic.errors import BadConfig
try:
    need_torch()
except BadConfig:
    print(os.environ["GOMP_SPINCOUNT"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"} | given
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == found
