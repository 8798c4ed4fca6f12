"""How latents are divided into layers, as streams say it."""

import pytest

from trellic.container.layers import Layering, Sweep
from trellic.errors import DamagedStream, UnsupportedStream

LAYERING = Layering(2, 3, 102, (20, 10), (1, 2, 4))


def test_a_layering_comes_back_from_its_bytes():
    assert Layering.read(LAYERING.write()) == LAYERING
    trits = Layering(3, 4, 0, (), (1, 1, 1, 1))
    assert Layering.read(trits.write()) == trits


def test_sweeps_walk_through_the_planes():
    assert LAYERING.sweeps_of(0) == (Sweep(1, 0, True),)
    assert LAYERING.sweeps_of(1) == (Sweep(2, 20, False), Sweep(2, 10, False))
    assert LAYERING.sweeps_of(2) == (Sweep(2, 0, True), Sweep(3, 20, False), Sweep(3, 10, False), Sweep(3, 0, True))


@pytest.mark.parametrize("at", range(len(LAYERING.write())))
def test_a_front_of_the_section_or_a_byte_of_nothing_is_refused(at):
    data = LAYERING.write()
    for damaged in (data[:at], data[:at] + (b"\0" if at > 2 else b"\xff") + data[at + 1 :]):
        with pytest.raises((DamagedStream, UnsupportedStream)):
            Layering.read(damaged)


def test_steps_beyond_exact_arithmetic_are_refused():
    LAYERING.check_step(65535)
    with pytest.raises(UnsupportedStream, match="step"):
        Layering(3, 8, 0, (), (1,) * 8).check_step(1000)
