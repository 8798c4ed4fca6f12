"""As many threads as the system allows, or as the user says."""

import os

import pytest

from trellic.errors import BadRequest
from trellic.processors import processors


def test_affinity_limits_the_processors(monkeypatch):
    monkeypatch.delenv("TRELLIC_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert processors() == 1


def test_the_user_says_how_many(monkeypatch):
    monkeypatch.setenv("TRELLIC_THREADS", "3")
    assert processors() == 3
    for wrong in ("0", "-1", "many"):
        monkeypatch.setenv("TRELLIC_THREADS", wrong)
        with pytest.raises(BadRequest):
            processors()
