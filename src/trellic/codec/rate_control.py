"""Rate control: find the quality that meets a size, a rate or a PSNR.

Log bytes and PSNR grow nearly linearly with quality: what two trials enclose is interpolated, and tried. What is
returned was tried: never an extrapolation.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trellic.codec.layer_targets import LayerTargets
from trellic.codec.visibility import PSNR, TUNES
from trellic.container.header import HIGHEST_QUALITY, QUALITY_ONE
from trellic.errors import BadRequest, TargetMissed
from trellic.metrics import error_of, lambda_at

DEFAULT_QUALITY = 50.0
FIRST_TRIAL = 50 * QUALITY_ONE
NEAR_LOG_SIZE, NEAR_PSNR = 0.002, 0.01
"""How near to its target a trial ends the search: a fifth of a per cent, and dB."""


@dataclass(frozen=True)
class Target:
    """A rate in bits per pixel, a size in bytes, a PSNR in dB, or nothing lost; if none of them, a quality 0 to 100.

    tune      the measure that errors are weighed for: psnr or ssimulacra2
    layers    where layers are to end; None for a stream that is not in layers
    prefixes  whether the stream says how far its first groups are read, so that they can be taken alone
    """

    quality: float = DEFAULT_QUALITY
    bpp: float | None = None
    size: int | None = None
    psnr: float | None = None
    lossless: bool = False
    tune: str = PSNR
    layers: LayerTargets | None = None
    prefixes: bool = False

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.bpp, self.size, self.psnr, self.lossless or None)) > 1:
            raise BadRequest("give one of bpp, size, psnr and lossless")
        if self.layers and self.lossless:
            raise BadRequest("what loses nothing is not coded in layers")
        if self.layers and self.prefixes:
            raise BadRequest("layers are prefixes: no others with them")
        if not 0 <= self.quality <= 100:
            raise BadRequest(f"quality {self.quality} is not between 0 and 100")
        if self.tune not in TUNES:
            raise BadRequest(f"tune {self.tune!r} is not one of {', '.join(TUNES)}")
        for name in ("bpp", "size", "psnr"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise BadRequest(f"{name} {value} is not a positive number")


@dataclass(frozen=True)
class Encoded:
    """A whole stream, with facts about it.

    quality         0 to 100
    estimated_bits  what the tables promised for its latents
    psnr            in dB, where it was measured
    """

    data: bytes
    quality: float
    estimated_bits: float
    psnr: float | None = None


EncodeAt = Callable[[int], Encoded]
"""Encodes at a quality in 1/256 of a point."""


def meet(target: Target, pixels: int, encode_at: EncodeAt) -> Encoded:
    """Return the stream that meets a target for a picture with a number of pixels. Raises TargetMissed."""
    if target.psnr is not None:
        return _of_psnr(target.psnr, encode_at)
    if target.size is not None:
        return _of_size(target.size, encode_at)
    if target.bpp is not None:
        return _of_size(int(target.bpp * pixels / 8), encode_at)
    return encode_at(round(target.quality * QUALITY_ONE))


def best_of(target: Target, pixels: int, attempts: Sequence[Callable[[], Encoded]]) -> Encoded:
    """Return the best stream by a target: of fewest bytes at a PSNR, of highest PSNR at a size or rate, else of least
    rate + λ · distortion. Raises TargetMissed where none meets it.

    Streams are measured where there are several attempts.
    """
    if len(attempts) == 1:
        return attempts[0]()

    def badness(encoded: Encoded) -> float:
        assert encoded.psnr is not None
        if target.psnr is not None:
            return len(encoded.data)
        if target.size is not None or target.bpp is not None:
            return -encoded.psnr
        return 8 * len(encoded.data) / pixels + lambda_at(encoded.quality / 100) * error_of(encoded.psnr)

    found, missed = [], []
    for attempt in attempts:
        try:
            found.append(attempt())
        except TargetMissed as error:
            missed.append(error)
    if not found:
        raise missed[0]
    return min(found, key=badness)


def _of_size(limit: int, encode_at: EncodeAt) -> Encoded:
    """Return the stream of highest quality, nearly, that is not above `limit` bytes."""
    wanted = math.log(limit + 0.5)
    below, above = _enclose(encode_at, lambda trial: math.log(len(trial.data)), wanted, -NEAR_LOG_SIZE, 0)
    if below is None:
        raise TargetMissed(f"{limit} bytes are too few: quality 0 takes {len(above.data) if above else 0}")
    return below


def _of_psnr(wanted: float, encode_at: EncodeAt) -> Encoded:
    """Return the stream of lowest quality, nearly, that reaches `wanted` dB."""
    below, above = _enclose(encode_at, lambda trial: trial.psnr or 0.0, wanted, 0, NEAR_PSNR)
    if above is None:
        reached = below.psnr if below else 0
        raise TargetMissed(f"{wanted:g} dB cannot be reached but without loss: quality 100 gives {reached:.2f}")
    return above


def _enclose(
    encode_at: EncodeAt, measure: Callable[[Encoded], float], wanted: float, lowest: float, highest: float
) -> tuple[Encoded | None, Encoded | None]:
    """Return the best trials found below the wanted value and not below it; None where there is none.

    lowest, highest  relative to `wanted`: a trial in between ends the search
    """
    low, high = -1, HIGHEST_QUALITY + 1
    below: Encoded | None = None
    above: Encoded | None = None
    quality, sides = FIRST_TRIAL, 0
    while high - low > 1:
        trial = encode_at(quality)
        found = measure(trial) - wanted
        if found < 0:
            low, below, sides = quality, trial, min(sides, 0) - 1
        else:
            high, above, sides = quality, trial, max(sides, 0) + 1
        if lowest <= found <= highest:
            break
        if below is None:
            quality = 0
        elif above is None:
            quality = HIGHEST_QUALITY
        elif abs(sides) > 1 or not math.isfinite(measure(above)):  # one end does not move: halve what is enclosed
            quality = (low + high) // 2
        else:
            part = (wanted - measure(below)) / max(measure(above) - measure(below), 1e-9)
            quality = min(max(low + round(part * (high - low)), low + 1), high - 1)
    return below, above
