"""A carried stream comes back byte for byte, where it serves; whatever a file says of it is proven."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.container import Stream
from trellic.picture.metadata import Metadata
from trellic.picture.types import Picture

CODEC = Codec(str(GOLDEN / "golden.trm"), 1)
PICTURE = Picture(textured(40, 50), metadata=Metadata(exif=b"Exif", resolution=(300.0, 300.0)))
STREAM = CODEC.encode_picture(PICTURE, Target(60)).data
DECODED = replace(CODEC.decode_picture(STREAM), carried=STREAM)


@pytest.mark.parametrize("target", [Target(60), Target(100), Target(size=len(STREAM)), Target(bpp=24.0)])
def test_the_very_stream_is_returned(target):
    coded = CODEC.encode_picture(DECODED, target)
    assert coded.data == STREAM
    assert coded.quality == 60


@pytest.mark.parametrize("target", [Target(59), Target(size=len(STREAM) - 1), Target(psnr=20), Target(lossless=True)])
def test_a_target_that_it_does_not_meet_is_coded_anew(target):
    assert CODEC.encode_picture(DECODED, target).data != STREAM


def test_alpha_is_carried_too():
    picture = Picture(textured(40, 50), alpha=np.full((40, 50), 9, np.uint8))
    stream = CODEC.encode_picture(picture, Target(60)).data
    assert CODEC.encode_picture(replace(CODEC.decode_picture(stream), carried=stream), Target(60)).data == stream


@pytest.mark.parametrize(
    "changed",
    [
        replace(DECODED, pixels=DECODED.pixels ^ np.eye(40, 50, dtype=np.uint8)[:, :, None]),
        replace(DECODED, alpha=np.full((40, 50), 9, np.uint8)),
        replace(DECODED, metadata=Metadata()),
        replace(DECODED, carried=CODEC.encode(textured(40, 50, 1), 60)),
        replace(DECODED, carried=STREAM[:-1]),
        replace(DECODED, carried=b"nonsense"),
        replace(DECODED, carried=(GOLDEN / "tiles.tlic").read_bytes()),
    ],
)
def test_a_stream_of_another_picture_is_never_believed(changed):
    fresh = CODEC.encode_picture(replace(changed, carried=b""), Target(60)).data
    assert CODEC.encode_picture(changed, Target(60)).data == fresh


def test_a_stream_of_another_model_is_coded_anew():
    other = replace(DECODED, carried=STREAM[:4] + bytes(4) + STREAM[8:])
    assert CODEC.encode_picture(other, Target(60)).data != other.carried


def test_a_restored_stream_is_not_returned_where_none_is_wanted():
    picture = Picture(np.kron(textured(64, 64), np.ones((3, 3, 1), np.uint8)))
    stream = CODEC.encode_picture(picture, Target(60)).data
    carrying = replace(CODEC.decode_picture(stream), carried=stream)
    plain = Codec(str(GOLDEN / "golden.trm"), 1, restore=False)
    assert Stream.parse(stream).header.restoration
    assert CODEC.encode_picture(carrying, Target(60)).data == stream
    assert not Stream.parse(plain.encode_picture(carrying, Target(60)).data).header.restoration
