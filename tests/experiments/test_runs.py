"""Every experiment can be begun: what it imports is there."""

from importlib import import_module
from pathlib import Path

import pytest

import experiments

NAMES = sorted(path.parent.name for path in Path(experiments.__file__).parent.glob("*/run.py"))


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_imports_what_there_is(name):
    pytest.importorskip("torch")
    pytest.importorskip("ray") if name.startswith("bulk") else None
    assert callable(import_module(f"experiments.{name}.run").run)
