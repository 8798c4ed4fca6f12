"""How large a picture may be."""

from trellic.errors import BadRequest, PictureTooLarge

LARGEST_SIDE = 1 << 24
"""Pixels of a side that a stream can say."""
MOST_PIXELS = 1 << 27
"""Pixels that are accepted unless a caller raises the limit: 134 million."""


def check_size(width: int, height: int, limit: int) -> None:
    """Raise PictureTooLarge where a picture has more pixels than `limit`, or a side that no stream can say.

    Raises BadRequest where it has none.
    """
    if min(width, height) < 1:
        raise BadRequest(f"a picture of {width}×{height} has no pixels")
    if width * height > limit:
        raise PictureTooLarge(f"{width}×{height} is more than the limit of {limit} pixels (it can be raised)")
    if max(width, height) > LARGEST_SIDE:
        raise PictureTooLarge(f"{width}×{height}: no side may be longer than {LARGEST_SIDE}")
