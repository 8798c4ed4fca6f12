"""Do the tests notice damage? Every edit of edits.toml makes the source wrong in one place; a test must then fail.

    python tests/mutations/run.py                    # all edits: an hour of one core
    python tests/mutations/run.py entropy quantize   # those of these areas
    python -m experiments run mutations              # those that were not run yet, for docs/results

An edit's tests run in a copy, one file after the other, until one fails. Prints the edits that survive, and those whose
text the source no longer has; the exit code is 1 where there is one of either. An edit that survives for a known reason
says so in `survives`.
"""

import argparse
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
EDITS = Path(__file__).parent / "edits.toml"
COPIED = ("src", "tests", "experiments", "docs", "examples", "web", "pyproject.toml", "README.md", "CONFORMANCE.md")
PLACE = Path(tempfile.gettempdir(), "trellic-mutations")
ENDLESS = 300.0
"""Seconds after which tests that go on are stopped: an edit was noticed."""
Edit = dict[str, Any]


FORKS = multiprocessing.get_context("forkserver")
"""Of a process that has imported what takes long, and nothing of the package."""
FORKS.set_forkserver_preload(["numba", "onnxruntime", "PIL.Image", "pytest"])


class UnsoundTests(Exception):
    """A test fails without any edit."""


def run_tests(root: Path, tests: list[str], report: Path) -> None:
    """Run tests in a copy, to the first failure; exit with pytest's code."""
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root / "src")
    sys.path.insert(0, str(root / "src"))
    with report.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.exit(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]))


def areas() -> dict[str, list[Edit]]:
    """Return all edits by area, each with its tests."""
    document = tomllib.loads(EDITS.read_text())
    return {name: [{"tests": area["tests"], **edit} for edit in area["edit"]] for name, area in document.items()}


class Copy:
    """A copy of the source in which edits are made, one at a time; always in one place, where kernels stay compiled."""

    def __init__(self) -> None:
        self.root = root = PLACE
        for name in COPIED:
            shutil.rmtree(root / name, ignore_errors=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, root / name)

    def first_failure(self, tests: list[str]) -> str:
        """Return the first test that fails, or nothing."""
        report = self.root / "report.txt"
        process = FORKS.Process(target=run_tests, args=(self.root, tests, report))
        process.start()
        process.join(ENDLESS)
        if process.exitcode is None:
            process.kill()
            return "a test that does not end"
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", report.read_text(), re.MULTILINE)
        return "" if process.exitcode == 0 else failed[1] if failed else "tests that do not start"

    def killer(self, edit: Edit) -> str | None:
        """Return the test that notices an edit, nothing where none does, None where the edit has no place."""
        path = self.root / edit["file"]
        text = path.read_text() if path.exists() else ""
        if text.count(edit["old"]) != 1:
            return None
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        path.write_text(text.replace(edit["old"], edit["new"]))
        try:
            return self.first_failure(edit["tests"])
        finally:
            path.write_text(text)
            os.utime(path, ns=times)


def is_of(line: Edit, edit: Edit) -> bool:
    """Return whether a line says what became of an edit as it is now."""
    return all(line.get(key) == edit[key] for key in ("what", "file", "old", "new"))


def run_area(name: str, edits: list[Edit], commit: str) -> Iterator[Edit]:
    """Yield what becomes of each of some edits of an area; in the end, those tests must pass that noticed one."""
    copied, killers = Copy(), set[str]()
    for edit in edits:
        start = time.monotonic()
        killer = copied.killer(edit)
        killers |= {killer.partition("[")[0]} if killer and killer.startswith("tests/") else set()
        outcome = "stale" if killer is None else "killed" if killer else "survived"
        seconds = round(time.monotonic() - start, 1)
        print(f"{outcome:8} {name}: {edit['what']} ({killer or edit.get('survives', '')}, {seconds} s)", flush=True)
        kept = {key: edit[key] for key in ("what", "file", "old", "new")}
        yield {"area": name, **kept, "outcome": outcome, "killer": killer or "", "seconds": seconds, "commit": commit}
    if killers and (failed := copied.first_failure(sorted(killers))):
        raise UnsoundTests(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", choices=[*areas(), []], metavar="AREA", help=" ".join(areas()))
    parser.add_argument(
        "--json", type=Path, help="keeps what became of each edit; those killed there are not run again"
    )
    options = parser.parse_args()
    lines: list[Edit] = json.loads(options.json.read_text()) if options.json and options.json.exists() else []
    os.environ["NUMBA_CACHE_DIR"] = str(PLACE / "kernels")
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    for name in options.areas or areas():
        done = [line for line in lines if line["outcome"] == "killed"]
        missing = [edit for edit in areas()[name] if not any(is_of(line, edit) for line in done)]
        before = lines
        try:
            for found in run_area(name, missing, commit.strip()) if missing else ():
                lines = [*(line for line in lines if not is_of(line, found)), found]
                if options.json:
                    options.json.write_text(json.dumps(lines, indent=0))
        except UnsoundTests as error:
            lines = before
            if options.json:
                options.json.write_text(json.dumps(lines, indent=0))
            print(f"{name}: {error} fails without any edit")
            return 1
    excused = {edit["what"] for name in areas() for edit in areas()[name] if "survives" in edit}
    outcomes = [line["outcome"] for line in lines]
    print(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("killed", "survived", "stale")))
    return int(any(line["outcome"] != "killed" and line["what"] not in excused for line in lines))


if __name__ == "__main__":
    sys.exit(main())
