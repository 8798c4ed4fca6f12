"""Decoded pictures to files of the kinds that Pillow writes."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trellic.errors import BadRequest
from trellic.files import write_atomically
from trellic.picture.types import Picture


def to_pillow(picture: Picture) -> Image.Image:
    """Return the Pillow image, its profile and EXIF data in `info`, where Pillow's writers look for them."""
    image = Image.fromarray(picture.pixels)
    if picture.grey:
        image = Image.fromarray(np.ascontiguousarray(picture.pixels[:, :, 0]))
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.metadata.icc:
        image.info["icc_profile"] = picture.metadata.icc
    if picture.metadata.exif:
        image.info["exif"] = picture.metadata.exif
    return image


def kind_of(suffix: str) -> str:
    """Return what Pillow calls pictures of a suffix. Raises BadRequest where it cannot write them."""
    kind = Image.registered_extensions().get(suffix.lower(), "")
    if kind not in Image.SAVE:
        raise BadRequest(f"pictures of kind {suffix or '(no suffix)'} cannot be written")
    return kind


def save(image: Image.Image, path: Path) -> None:
    """Write a decoded picture by its suffix, whole or not at all. Raises BadRequest for what Pillow cannot write."""
    kind = kind_of(path.suffix)
    if kind == "JPEG" and image.mode in {"RGBA", "LA"}:
        raise BadRequest(f"{path}: JPEG has no alpha; choose another kind")
    kept = {key: image.info[key] for key in ("icc_profile", "exif") if image.info.get(key)}
    chosen: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95},
        "PNG": {"compress_level": 3},  # four times as quick as the usual level, for a few per cent more
        "WEBP": {"lossless": True},
    }
    options = {**kept, **chosen.get(kind, {})}
    try:
        write_atomically(path, lambda file: image.save(file, kind, **options))
    except OSError:
        raise
    except Exception as error:  # what the kind cannot hold: a side, a mode, a long or damaged EXIF block
        raise BadRequest(f"{path}: cannot be written as {kind} ({error})") from error
