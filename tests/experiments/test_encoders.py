"""A page that rests on an earlier encoder says so."""

import pytest

from experiments.encoders import LACKED, remark
from experiments.store import ROOT


def test_a_page_of_an_earlier_encoder_says_so(monkeypatch):
    monkeypatch.setattr("experiments.encoders.lines_of", lambda name: ({"commit": min(LACKED)}, []))
    assert remark("rate_distortion").startswith("Measured by an earlier encoder: ")
    monkeypatch.setattr("experiments.encoders.lines_of", lambda name: ({"commit": "of today"}, []))
    assert remark("rate_distortion") == ""


@pytest.mark.parametrize("commit", sorted(LACKED))
def test_no_commit_is_listed_that_no_results_name(commit):
    heads = [path.open().readline() for path in ROOT.glob("*/results/*.jsonl")]
    assert any(f'"commit": "{commit}"' in head for head in heads), f"{commit}: all of it was measured anew"
