"""What ends a run while its last checkpoint is written waits: launchers ask processes to end that already do."""

import signal

import pytest

from trellic.train import loop
from trellic.train.interruptions import held_back
from trellic.train.start import load_run


@pytest.fixture(autouse=True)
def interruptible():
    """What Ctrl-C does in a terminal: a shell starts jobs in the background with interruptions ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_run_that_is_interrupted_while_it_is_saved_is_saved(trained, tmp_path, monkeypatch):
    save = loop.Trainer.save

    def interrupted(run):
        signal.raise_signal(signal.SIGINT)
        save(run)

    monkeypatch.setattr(loop.Trainer, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(steps=2)
    assert load_run(tmp_path / "run").step == 2


def test_nothing_waits_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with held_back():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
