"""Every experiment can be begun: what it imports is there."""

from importlib import import_module

import pytest

from experiments.__main__ import LATER, QUICK


@pytest.mark.parametrize("name", [*QUICK, *LATER])
def test_an_experiment_imports_what_there_is(name):
    pytest.importorskip("torch")
    if name.startswith("bulk"):
        pytest.importorskip("ray")
    assert callable(import_module(f"experiments.{name}.run").run)
