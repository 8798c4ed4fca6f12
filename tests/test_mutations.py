"""The edits that tests must notice are of the source as it is: tests/mutations/run.py makes them."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EDITS = [
    pytest.param(edit, id=f"{name}-{edit['what']}")
    for name, area in tomllib.loads((ROOT / "tests" / "mutations" / "edits.toml").read_text()).items()
    for edit in area["edit"]
]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_finds_its_place(edit):
    assert (ROOT / edit["file"]).read_text().count(edit["old"]) == 1
    assert edit["old"] != edit["new"]
