"""Rate control on an encoder whose sizes and PSNR are known: a target is met as nearly as it says, in few trials."""

import pytest

from trellic.codec.rate_control import Encoded, Target, best_of, meet
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.errors import BadRequest, TargetMissed

PIXELS = 8000


class Encoder:
    """Bytes are the quality's number and 1000, PSNR 30 dB and a tenth of a point; trials are counted."""

    def __init__(self, growth: int = 1) -> None:
        self.growth, self.trials = growth, 0

    def __call__(self, quality: int) -> Encoded:
        self.trials += 1
        points = quality / QUALITY_ONE
        return Encoded(bytes(1000 + self.growth * quality), points, 0.0, 30 + points / 10)


@pytest.mark.parametrize("limit", [1000, 1001, 1500, 8123, 26599, 26600, 50000])
def test_a_size_is_never_exceeded_and_nearly_used(limit):
    encoder = Encoder()
    found = len(meet(Target(size=limit), PIXELS, encoder).data)
    assert min(0.998 * limit, 26600) <= found <= limit
    assert encoder.trials <= 12


@pytest.mark.parametrize("limit", [5000, 5001, 5002])
def test_a_size_between_two_qualities_takes_the_lower_one(limit):
    """Bytes grow by a thousand from quality to quality: no trial ends the search before its end."""
    encoder = Encoder(growth=1000)
    assert len(meet(Target(size=limit), PIXELS, encoder).data) == 5000
    assert len(meet(Target(size=4999), PIXELS, encoder).data) == 4000


def test_a_rate_is_a_size_in_bits_of_a_pixel():
    assert len(meet(Target(bpp=2.0), PIXELS, Encoder(growth=1000)).data) == 2000
    assert len(meet(Target(bpp=1.9999), PIXELS, Encoder(growth=1000)).data) == 1000


@pytest.mark.parametrize("wanted", [30.0, 30.004, 33.333, 39.999])
def test_a_psnr_is_reached_and_hardly_exceeded(wanted):
    encoder = Encoder()
    found = meet(Target(psnr=wanted), PIXELS, encoder).psnr
    assert wanted <= found <= wanted + 0.01
    assert encoder.trials <= 12


def test_what_cannot_be_reached_says_what_can():
    with pytest.raises(TargetMissed, match="999 bytes are too few: quality 0 takes 1000"):
        meet(Target(size=999), PIXELS, Encoder())
    with pytest.raises(TargetMissed, match=r"40\.1 dB cannot be reached but without loss: quality 100 gives 40\.00"):
        meet(Target(psnr=40.1), PIXELS, Encoder())


@pytest.mark.parametrize(("quality", "number"), [(0, 0), (49.9999, 12800), (100 / 3, 8533), (100, HIGHEST_QUALITY)])
def test_a_quality_is_the_nearest_of_those_that_a_stream_can_say(quality, number):
    assert len(meet(Target(quality), PIXELS, Encoder()).data) == 1000 + number


def attempt(size: int, quality: float, psnr: float):
    return lambda: Encoded(bytes(size), quality, 0.0, psnr)


@pytest.mark.parametrize(
    ("target", "best"),
    [
        (Target(psnr=30), 900),  # the fewest bytes
        (Target(size=2000), 1100),  # the highest PSNR
        (Target(bpp=2), 1100),
        (Target(0), 900),  # bits count for much at low quality
        (Target(100), 1100),  # and errors at high
    ],
)
def test_the_best_of_several_is_the_best_by_its_target(target, best):
    attempts = [
        attempt(1000, target.quality, 30.0),
        attempt(900, target.quality, 30.0),
        attempt(1100, target.quality, 31),
    ]
    assert len(best_of(target, PIXELS, attempts).data) == best


def test_an_attempt_that_misses_is_no_obstacle():
    def missed():
        raise TargetMissed("too few")

    assert len(best_of(Target(size=2000), PIXELS, [missed, attempt(5, 50, 30)]).data) == 5
    with pytest.raises(TargetMissed):
        best_of(Target(size=2000), PIXELS, [missed, missed])


@pytest.mark.parametrize(
    "options",
    [{"quality": 101}, {"quality": -1}, {"size": 0}, {"psnr": float("inf")}, {"bpp": 1, "size": 1}, {"tune": "x"}],
)
def test_an_impossible_target_is_refused(options):
    with pytest.raises(BadRequest):
        Target(**options)
