"""Rules of the house that a test can hold: two halves, imports one way, a package that costs nothing to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "trellic"
LAYERS = [
    "errors",
    "files",
    "kernels",
    "metrics",
    "container",
    "image",
    "entropy",
    "quantize",
    "model",
    "codec",
    "evaluate",
    "api",
]


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "trellic":
                found |= {f"trellic.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


CODEC_HALF = [path for path in SOURCE.rglob("*.py") if part_of(path) in LAYERS]
TORCH_HALF = [path for path in SOURCE.rglob("*.py") if part_of(path) in {"networks", "train"}]


@pytest.mark.parametrize("path", CODEC_HALF, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_codec_half_never_imports_torch_and_imports_point_one_way(path):
    own = LAYERS.index(part_of(path))
    for name in imports_of(path):
        assert name.split(".")[0] not in {"torch", "onnx", "onnxscript"}
        if name.startswith("trellic."):
            part = name.split(".")[1]
            assert LAYERS.index(part) <= own, f"{path} imports {name}"


@pytest.mark.parametrize("path", TORCH_HALF, ids=lambda path: str(path.relative_to(SOURCE)))
def test_networks_know_nothing_of_training(path):
    if part_of(path) == "networks":
        assert not any(name.startswith("trellic.train") for name in imports_of(path))


def test_importing_the_package_imports_nothing_heavy():
    code = "import trellic, sys; print(*[n for n in ('numpy', 'numba', 'PIL', 'onnxruntime') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_encoding_and_decoding_import_no_torch():
    code = (
        "import numpy, sys, trellic; trellic.decode(trellic.encode(numpy.zeros((9, 9, 3), 'u1')));"
        "print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_results_page_is_made_from_the_results_files():
    report = SOURCE.parent.parent / "experiments" / "report.py"
    assert subprocess.run([sys.executable, report, "--check"], check=False).returncode == 0
