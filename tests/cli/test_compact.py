"""trellic compact: a model beside the model, never over another."""

from command import run_trellic


def test_a_compact_model_is_a_model(folder):
    assert run_trellic("compact", "-o", "compact.trm", cwd=folder).returncode == 0
    assert run_trellic("encode", "in/a.png", "-o", "a.tlic", "--model", "./compact.trm", cwd=folder).returncode == 0
    again = run_trellic("compact", "-o", "compact.trm", cwd=folder)
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
