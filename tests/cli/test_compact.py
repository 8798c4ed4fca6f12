"""trellic compact: a model beside the model, never over another."""

from command import run_trellic
from conftest import GOLDEN

MAKE = ("compact", "-o", "compact.trm", "--model", GOLDEN / "golden.trm")


def test_a_compact_model_is_a_model(folder):
    assert run_trellic(*MAKE, cwd=folder).returncode == 0
    assert run_trellic("encode", "in/a.png", "-o", "a.tlic", "--model", "./compact.trm", cwd=folder).returncode == 0
    again = run_trellic(*MAKE, cwd=folder)
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
