"""trellic fit-previews: a file beside the model, never over another."""

from command import run_trellic
from conftest import GOLDEN
from trellic.model import Model


def test_previews_are_named_by_the_model_and_used(folder):
    arguments = ("fit-previews", "in", "-o", "models", "--model", GOLDEN / "golden.trm")
    refused = run_trellic(*arguments, cwd=folder)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)  # smaller than a stride
    for name in ("a.png", "b.png"):
        (folder / "in" / name).write_bytes((GOLDEN.parent.parent / "src/trellic/models/demo.webp").read_bytes())
    assert run_trellic(*arguments, cwd=folder).returncode == 0
    assert (folder / "models" / f"{Model.read(GOLDEN / 'golden.trm').name}.previews").is_file()
    assert run_trellic(*arguments, cwd=folder).returncode == 1
