"""Rate control: find the quality that meets a size, a rate or a PSNR.

Bytes grow and PSNR grows with quality, nearly always; a bisection over the stored quality ends after at most fifteen
trial codings. What is returned was tried: never an extrapolation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from trellic.container.header import HIGHEST_QUALITY
from trellic.errors import BadRequest, TargetMissed

DEFAULT_QUALITY = 50.0


@dataclass(frozen=True)
class Target:
    """What to aim at: a rate in bits a pixel, a size in bytes, or a PSNR in dB; if none of them, a quality 0 to 100."""

    quality: float = DEFAULT_QUALITY
    bpp: float | None = None
    size: int | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.bpp, self.size, self.psnr)) > 1:
            raise BadRequest("give one of bpp, size and psnr")
        if not 0 <= self.quality <= 100:
            raise BadRequest(f"quality {self.quality} is not between 0 and 100")
        for name in ("bpp", "size", "psnr"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise BadRequest(f"{name} {value} is not a positive number")

    @property
    def is_searched_for(self) -> bool:
        """Whether the quality that meets it must be found by trial."""
        return any(value is not None for value in (self.bpp, self.size, self.psnr))


def highest_quality(fits: Callable[[int], bool]) -> int | None:
    """Return the highest quality, 0 to 25600, for which `fits` holds, if it holds up to there; None if for none."""
    low, high = -1, HIGHEST_QUALITY + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low if low >= 0 else None


def quality_for_size(bytes_at: Callable[[int], int], limit: int) -> int:
    """Return the highest quality whose file is not above `limit` bytes. Raises TargetMissed."""
    quality = highest_quality(lambda quality: bytes_at(quality) <= limit)
    if quality is None:
        raise TargetMissed(f"{limit} bytes are too few: quality 0 takes {bytes_at(0)}")
    return quality


def quality_for_psnr(psnr_at: Callable[[int], float], wanted: float) -> int:
    """Return the lowest quality that reaches `wanted` dB. Raises TargetMissed."""
    below = highest_quality(lambda quality: psnr_at(quality) < wanted)
    quality = 0 if below is None else below + 1
    if quality > HIGHEST_QUALITY:
        raise TargetMissed(f"{wanted:g} dB cannot be reached: quality 100 gives {psnr_at(HIGHEST_QUALITY):.2f}")
    return quality
