"""trellic stability: a table, and a file that is not measured again."""

import json

from command import run_trellic
from conftest import GOLDEN


def test_chains_are_reported_and_kept(folder):
    arguments = ("stability", "in/a.png", "--generations", 3, "--codecs", "jpeg-usual", "--json", "s.jsonl",
                 "--model", GOLDEN / "golden.trm", "--effort", 1)  # fmt: skip
    done = run_trellic(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert b"JPEG" in done.stdout
    head, *lines = map(json.loads, (folder / "s.jsonl").read_text().splitlines())
    assert head["command"].startswith("trellic stability")
    assert [line["codec"] for line in lines] == ["trellic", "jpeg-usual"]
    assert run_trellic(*arguments, cwd=folder).stdout == done.stdout
    refused = run_trellic("stability", "in/a.png", "--codecs", "nosuch", cwd=folder)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
