"""How latents are divided into layers, as streams say it."""

from dataclasses import replace

import pytest

from trellic.container.bytes import varint
from trellic.container.layers import Layering, Sweep
from trellic.errors import DamagedStream, UnsupportedStream

LAYERING = Layering(2, 3, 102, (20, 10), (1, 2, 4))


def test_a_layering_comes_back_from_its_bytes():
    assert Layering.read(LAYERING.write()) == LAYERING
    trits = Layering(3, 4, 0, (), (1, 1, 1, 1), 1 << 20)
    assert Layering.read(trits.write()) == trits


def test_sweeps_walk_through_the_planes():
    assert LAYERING.sweeps_of(0) == (Sweep(1, 0, True),)
    assert LAYERING.sweeps_of(1) == (Sweep(2, 20, False), Sweep(2, 10, False))
    assert LAYERING.sweeps_of(2) == (Sweep(2, 0, True), Sweep(3, 20, False), Sweep(3, 10, False), Sweep(3, 0, True))


def test_a_section_without_a_step_is_what_it_was():
    assert LAYERING.write() == bytes([2, 3, 102, 3, 20, 10, 3, 1, 2, 4])
    assert replace(LAYERING, step=300).write() == bytes([18, 3, 102, 3, 20, 10, 3, 1, 2, 4, 0xAC, 2, 0])


@pytest.mark.parametrize("step", [0, (1 << 20) + 1])
def test_impossible_steps_are_refused(step):
    data = replace(LAYERING, step=1).write()[:-2] + varint(step) + b"\0"
    with pytest.raises(DamagedStream, match="step"):
        Layering.read(data)


OF_OWN_STEP = replace(LAYERING, step=100, coarse=2)


@pytest.mark.parametrize("at", range(len(OF_OWN_STEP.write())))
def test_a_front_of_the_section_or_a_byte_of_nothing_is_refused(at):
    data = OF_OWN_STEP.write()
    for damaged in (data[:at], data[:at] + (b"\0" if 2 < at < len(data) - 1 else b"\xff") + data[at + 1 :]):
        with pytest.raises((DamagedStream, UnsupportedStream)):
            Layering.read(damaged)


def test_steps_beyond_exact_arithmetic_are_refused():
    LAYERING.check_step(65535)
    with pytest.raises(UnsupportedStream, match="step"):
        Layering(3, 8, 0, (), (1,) * 8).check_step(1000)
