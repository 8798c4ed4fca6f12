"""What made a file: machines that differ are not taken for one another, and a command can be given again."""

import shlex
import sys

import pytest

from trellic import provenance


def test_a_command_can_be_given_again(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/trellic", "encode", "a b.png"])
    assert shlex.split(provenance.command()) == ["trellic", "encode", "a b.png"]


def test_a_machine_is_named_by_what_times_depend_on(monkeypatch, tmp_path):
    (tmp_path / "cpuinfo").write_text("model name : Some CPU\ncpu family : 25\nmodel : 1\n\nmodel name : Some CPU\n")
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    assert provenance.machine().startswith("Some CPU (family 25, model 1), ")
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "missing")
    assert " processors, " in provenance.machine()


@pytest.mark.parametrize("said", [{}, {"HEAD": "0123456789ab"}], ids=["none", "another's"])
def test_code_outside_of_a_repository_is_named_by_its_version(said, monkeypatch):
    """An environment within somebody's repository is of none of its commits."""
    monkeypatch.setattr(provenance, "_git", lambda *command: said.get(command[-1], ""))
    for name in (provenance.commit, provenance.source):
        name.cache_clear()
        assert name().startswith("version ")
        name.cache_clear()
