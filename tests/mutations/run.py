"""Do the tests notice damage? Every edit of edits.toml makes the source wrong in one place; a test must then fail.

    python tests/mutations/run.py                    # all edits: minutes
    python tests/mutations/run.py entropy quantize   # those of these areas

An area's tests are run for each of its edits, or those that the edit names, in a copy. Prints the edits that survive,
and those whose text the source no longer has; the exit code is 1 where there is one of either. An edit that survives
for a known reason says so in `survives`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
EDITS = Path(__file__).parent / "edits.toml"
COPIED = ("src", "tests", "experiments", "docs", "pyproject.toml", "README.md")


def copy(target: Path) -> None:
    """Copy what tests need, times kept, so that compiled kernels of unchanged files are found again."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)


def passes(root: Path, tests: list[str]) -> bool:
    """Return whether the tests pass in a copy."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    values = {**os.environ, "PYTHONPATH": str(root / "src"), "NUMBA_CACHE_DIR": str(root / "kernels")}
    return subprocess.run(command, cwd=root, env=values, capture_output=True, check=False).returncode == 0


def outcome(root: Path, edit: dict[str, Any], tests: list[str]) -> str:
    """Return "killed", "survived" or "stale", with the edit made and taken back."""
    original, path = ROOT / edit["file"], root / edit["file"]
    text = original.read_text() if original.exists() else ""
    if text.count(edit["old"]) != 1:
        return "stale"
    path.write_text(text.replace(edit["old"], edit["new"]))
    try:
        return "survived" if passes(root, tests) else "killed"
    finally:
        shutil.copy2(original, path)


def main() -> int:
    document = tomllib.loads(EDITS.read_text())
    areas = {name: area for name, area in document.items() if name in sys.argv[1:] or len(sys.argv) == 1}
    counts = {"killed": 0, "survived": 0, "stale": 0}
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        copy(root)
        for name, area in areas.items():
            used = {test for edit in area["edit"] for test in edit.get("tests", area["tests"])}
            if not passes(root, sorted(used)):
                print(f"{name}: its tests fail before any edit")
                return 1
            for edit in area["edit"]:
                found = outcome(root, edit, edit.get("tests", area["tests"]))
                counts[found] += 1
                wrong += found == "stale" or (found == "survived") != ("survives" in edit)
                reason = f" ({edit['survives']})" if "survives" in edit else ""
                print(f"{found:8} {name}: {edit['what']}{reason}", flush=True)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
