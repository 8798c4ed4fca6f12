"""Rate-distortion runs: every picture really becomes bytes and comes back."""

import math
import time
from typing import Any

from trellic.codec import Codec, Target
from trellic.metrics import ms_ssim, psnr
from trellic.picture.types import Picture

Record = dict[str, Any]


def evaluate_picture(codec: Codec, name: str, picture: Picture, quality: float) -> Record:
    """Encode and decode one picture; PSNR and MS-SSIM are of the decoded 8-bit picture."""
    height, width = picture.pixels.shape[:2]
    start = time.perf_counter()
    encoded = codec.encode_picture(picture, Target(quality))
    middle = time.perf_counter()
    decoded = codec.decode_picture(encoded.data)
    end = time.perf_counter()
    similarity = ms_ssim(picture.pixels, decoded.pixels)
    return {
        "image": name,
        "width": width,
        "height": height,
        "quality": quality,
        "bytes": len(encoded.data),
        "bpp": 8 * len(encoded.data) / (width * height),
        "estimated_bpp": encoded.estimated_bits / (width * height),
        "psnr": psnr(picture.pixels, decoded.pixels),
        "ms_ssim": similarity if math.isfinite(similarity) else None,
        "encode_seconds": middle - start,
        "decode_seconds": end - middle,
    }


def _mean(values: list[float | None]) -> float:
    """Return the mean of the values that are there, NaN if none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def averages(records: list[Record]) -> list[Record]:
    """Return the mean of each figure over pictures, a record a quality, lowest first."""
    figures = ("bpp", "estimated_bpp", "psnr", "ms_ssim", "encode_seconds", "decode_seconds")
    result = []
    for quality in sorted({record["quality"] for record in records}):
        chosen = [record for record in records if record["quality"] == quality]
        means = {figure: _mean([record[figure] for record in chosen]) for figure in figures}
        result.append({"quality": quality, "images": len(chosen), **means})
    return result
