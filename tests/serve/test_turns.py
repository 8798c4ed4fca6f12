import threading

import pytest

from trellic.serve.answers import Refused
from trellic.serve.turns import Deadline, Turns


def test_who_waits_too_long_is_refused():
    turns = Turns(1, 0.02)
    with turns.take(), pytest.raises(Refused, match="too much to do") as refused, turns.take():
        pass
    assert refused.value.status == 503


def test_a_turn_is_given_back_whatever_happens():
    turns = Turns(1, 5)
    with pytest.raises(KeyError), turns.take():
        raise KeyError
    with turns.take():
        pass


def test_who_waits_gets_the_next_turn():
    turns, got = Turns(1, 5), threading.Event()

    def wait() -> None:
        with turns.take():
            got.set()

    with turns.take():
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not got.wait(0.02)
    waiting.join()
    assert got.is_set()


def test_work_ends_with_its_time():
    Deadline(60).check(1, 2)
    with pytest.raises(Refused, match="longer than -1 s") as refused:
        Deadline(-1).check()
    assert refused.value.status == 503
