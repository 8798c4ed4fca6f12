"""A codec's options: what each asks the encoder for, and which cannot be."""

import pytest

from trellic.codec.options import CodecOptions
from trellic.codec.refinement import Refinement, refinement_of
from trellic.errors import BadRequest
from trellic.quantize import LATTICE, quantizer_for


def test_an_effort_says_which_quantizer_codes_and_what_is_done_beside():
    assert CodecOptions(effort=8).encoding() == (quantizer_for(8), refinement_of(8))
    assert CodecOptions(effort=8, restore=False).encoding() == (quantizer_for(8), refinement_of(8, restore=False))


@pytest.mark.parametrize("parts", [{"predict": True, "tile": 128}, {"tile": 511}])
def test_blocks_and_small_tiles_are_searched_by_high_efforts_only(parts):
    assert CodecOptions(effort=7, **parts).encoding()[1].rounds == 0
    assert CodecOptions(effort=8, **parts).encoding()[1].rounds > 0
    assert CodecOptions(effort=7, tile=512).encoding()[1].rounds > 0


def test_a_named_quantizer_is_compared_alone_but_restored():
    for name in ("uniform", "tcq8"):
        named, refinement = CodecOptions(quantizer=name, effort=9).encoding()
        assert (named.name, refinement) == (name, Refinement(restores=True))


def test_what_is_saved_again_and_again_is_not_restored():
    assert CodecOptions(quantizer=LATTICE.name).encoding()[1] == Refinement()


@pytest.mark.parametrize("impossible", [{"tile": 16}, {"tile": 1 << 20}, {"predict": True, "tile": 200}])
def test_impossible_tiles_are_refused(impossible):
    with pytest.raises(BadRequest, match="sides of"):
        CodecOptions(**impossible).check()
