"""Rules of the house that a test can hold: imports one way, no torch beside training, short files, a light package."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "trellic"
LAYERS = [
    "errors",
    "processors",
    "limits",
    "remote",
    "files",
    "provenance",
    "kernels",
    "metrics",
    "container",
    "picture",
    "entropy",
    "quantize",
    "model",
    "codec",
    "machine",
    "video",
    "web",
    "evaluate",
    "tune",
    "api",
    "pillow",
    "jobs",
    "bulk",
    "data",
    "serve",
    "zoom",
    "networks",
    "train",
    "cli",
]
"""Every part of the package; each may import those before it."""
ENTRANCES = {"__init__", "__main__"}
"""They load the rest when it is first used."""
TORCH = {"networks", "train"}
LINES = 350
OF_THE_WHOLE = {
    "architecture", "cases", "conformance", "docs", "examples", "golden", "hostile_streams", "mutations", "readme",
    "words",
}  # fmt: skip
"""Tests of no single module."""

MODULES = {path: ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in SOURCE.rglob("*.py")}
MODULES = {path: name.removesuffix(".__init__") for path, name in MODULES.items()}


def imports_of(path: Path, at_once: bool = False) -> set[str]:
    """Return the modules that a file imports anywhere, or at once, and the names that it takes from them, dotted."""
    found = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def paths_of(but: set[str]) -> pytest.MarkDecorator:
    """A case for each file of the package, but for some parts."""
    paths = [path for path in sorted(MODULES) if part_of(path) not in but]
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(SOURCE)))


def test_every_part_has_a_layer():
    assert {part_of(path) for path in MODULES} == {*LAYERS, *ENTRANCES}


@paths_of(but=ENTRANCES)
def test_imports_point_one_way(path):
    own = LAYERS.index(part_of(path))
    for name in imports_of(path) & set(MODULES.values()) - {"trellic"}:
        assert LAYERS.index(name.split(".")[1]) <= own, f"{path} imports {name}"


@paths_of(but=TORCH)
def test_only_networks_and_training_import_torch(path):
    found = imports_of(path, at_once=part_of(path) == "cli")  # its verbs say what is not installed
    assert "torch" not in {name.split(".")[0] for name in found}


def test_no_imports_go_in_a_circle():
    known = set(MODULES.values()) - {"trellic"}
    graph = {name: imports_of(path) & known - {name} for path, name in MODULES.items() if name in known}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_files_are_short():
    files = [path for folder in ("src", "tests", "experiments") for path in (ROOT / folder).rglob("*.py")]
    long = {str(path.relative_to(ROOT)) for path in files if len(path.read_text().splitlines()) > LINES}
    assert not long


def test_tests_mirror_the_source():
    """tests/PACKAGE/test_MODULE.py tests src/trellic/PACKAGE/MODULE.py; a module named as its package, all of that."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        package, name = path.parent.relative_to(ROOT / "tests"), path.stem.removeprefix("test_")
        if (package.parts and package.name == name) or (not package.parts and name in OF_THE_WHOLE):
            continue
        modules = [root / package / name for root in (SOURCE, ROOT)]
        assert any(module.is_dir() or module.with_suffix(".py").is_file() for module in modules), path


def test_importing_the_package_imports_nothing_heavy():
    code = "import trellic, sys; print(*[n for n in ('numpy', 'numba', 'PIL', 'onnxruntime') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_encoding_and_decoding_import_no_torch():
    code = (
        "import numpy, sys, trellic; trellic.decode(trellic.encode(numpy.zeros((9, 9, 3), 'u1')));"
        "print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
