"""trellic --version and --help say what a stranger needs."""

import trellic
from command import run_trellic


def test_the_version_names_release_model_libraries_and_processor(tmp_path):
    lines = run_trellic("--version", cwd=tmp_path).stdout.decode().splitlines()
    assert lines[0].startswith(f"trellic {trellic.__version__}, ")
    assert all(name in lines[1] for name in ("Python", "numpy", "onnxruntime", "numba", "pillow"))
    assert len(lines) == 3


def test_help_groups_the_verbs_and_loses_no_words(tmp_path):
    text = run_trellic("--help", cwd=tmp_path).stdout.decode()
    assert text.index("Pictures") < text.index("encode") < text.index("Measuring") < text.index("Training")
    assert "trellic[train]" in text
    assert "--install-completion" in text
    assert "trellic[train]" in run_trellic("train", "--help", cwd=tmp_path).stdout.decode()
