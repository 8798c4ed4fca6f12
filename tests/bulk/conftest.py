"""Fixtures: a bulk run in this process, by the tiny model."""

import json
from pathlib import Path

import pytest

from conftest import GOLDEN
from trellic.bulk.coding import Encode
from trellic.bulk.run import Bulk, run_bulk
from trellic.codec import Target
from trellic.codec.options import CodecOptions

TINY = str(GOLDEN / "golden.trm")


def in_this_process(tasks, engine, cores):
    """Do tasks one after the other: the simplest driver."""
    yield from map(engine, tasks)


def encoding(quality: float = 50.0) -> Encode:
    return Encode.of(Target(quality), CodecOptions(TINY, effort=1))


def run(*inputs, out, coding=None, driver=in_this_process, report=lambda progress, records: None, **options):
    bulk = Bulk(coding or encoding(), [str(each) for each in inputs], str(out), **{"cores": 2, **options})
    return run_bulk(bulk, driver, report)


def records_of(out: Path) -> list[dict]:
    """Return the records of all lines below a local output folder."""
    found = []
    for path in sorted((out / "manifest").rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            found += entry if isinstance(entry, list) else [entry]
    return found


@pytest.fixture(autouse=True)
def _tiny_model_installed(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
