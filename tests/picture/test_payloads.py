"""Alpha exactly, metadata within bounds."""

import zlib

import numpy as np
import pytest

from trellic.errors import BadRequest, DamagedStream
from trellic.picture.payloads import pack_alpha, pack_metadata, unpack_alpha, unpack_metadata


def test_alpha_is_exact_and_checked_for_size():
    alpha = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    assert (unpack_alpha(pack_alpha(alpha), 30, 20) == alpha).all()
    for size in ((20, 30), (31, 20)):
        with pytest.raises(DamagedStream):
            unpack_alpha(pack_alpha(alpha), *size)
    with pytest.raises(DamagedStream):
        unpack_alpha(b"not a png", 30, 20)


def test_a_metadata_bomb_is_refused():
    assert unpack_metadata(pack_metadata(b"profile")) == b"profile"
    for bad in (zlib.compress(bytes(1 << 25)), pack_metadata(b"profile")[:-3], b"noise"):
        with pytest.raises(DamagedStream):
            unpack_metadata(bad)


def test_metadata_that_no_decoder_would_take_is_refused():
    with pytest.raises(BadRequest):
        pack_metadata(bytes((1 << 24) + 1))
