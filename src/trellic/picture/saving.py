"""Decoded pictures to files of the kinds that Pillow writes, with all that the kind holds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageColor
from PIL.PngImagePlugin import PngInfo

from trellic.errors import BadRequest
from trellic.files import write_atomically
from trellic.picture.carry import CHUNK, pack_carried
from trellic.picture.colour import code_in, coloured
from trellic.picture.kinds import Kind, kind_of
from trellic.picture.metadata import Metadata
from trellic.picture.orientation import TURNS, orientation_of
from trellic.picture.pillow import to_pillow
from trellic.picture.types import Picture, Pixels, warn

FIELDS = {"icc": "icc_profile", "exif": "exif", "xmp": "xmp", "resolution": "dpi"}
"""Metadata by the names that Pillow gives them."""
NAMES = {"icc_profile": "colour profile", "exif": "EXIF data", "xmp": "XMP packet", "dpi": "resolution"}
XMP_TAG = 700
"""Of TIFF."""
EXIF_PREFIX = b"Exif\0\0"


def save(
    picture: Picture,
    path: Path,
    background: str = "",
    kind: Kind | None = None,
    replace: bool = True,
    scratch: bool = False,
) -> None:
    """Write a decoded picture, whole or not at all.

    background  a colour to put behind a picture with alpha, where its kind has none
    kind        of the file, where its suffix does not say it
    replace     whether an existing file may be replaced
    scratch     whether the file need not last, see `write_atomically`
    Warns of what the kind does not keep. Raises BadRequest for what it cannot hold, and FileExists.
    """
    chosen = kind or kind_of(path.suffix)
    if picture.carried and chosen.name != "PNG":
        raise BadRequest(f"{chosen.name} carries no stream; PNG does")
    write_atomically(path, lambda file: write(picture, chosen, file, background), replace, scratch)


def write(picture: Picture, kind: Kind, file: IO[bytes], background: str = "") -> None:
    """Write a decoded picture as `save` does, to a file that can be rewound."""
    carried = pack_carried(picture) if picture.carried else b""
    write_image(to_pillow(_fitted(picture, kind, background)), picture.metadata, kind, file, carried)


def write_image(image: Image.Image, metadata: Metadata, kind: Kind, file: IO[bytes], carried: bytes = b"") -> None:
    """Write a decoded picture that its kind can hold, as `write` does.

    image    of `to_pillow`
    carried  a packed stream for a PNG to carry
    """
    info: dict[str, Any] = {str(key): value for key, value in image.info.items()}
    image.info = {}
    if image.mode not in kind.modes:
        image = image.convert("RGBA" if image.mode == "LA" else "RGB")
    if image.mode not in {"L", "LA"} and "icc_profile" in info:
        info["icc_profile"] = coloured(info["icc_profile"])
    if kind.name == "GIF" and image.getcolors(256) is None:
        warn("colours reduced to the 256 of a GIF")
    kept = {FIELDS[name]: info[FIELDS[name]] for name in sorted(kind.keeps) if FIELDS[name] in info}
    lost = [key for key in info if key not in kept and (key != "icc_profile" or metadata.icc)]
    orientation = orientation_of(metadata)
    reason: Exception | None = None
    for refused in ([], *([key] for key in kept), list(kept)):  # damaged or oversized, for instance
        taken = {key: value for key, value in kept.items() if key not in refused}
        stored = orientation_of(Metadata(exif=taken.get("exif", b""), xmp=taken.get("xmp", b"")))
        upright = image if stored == orientation else image.transpose(TURNS[orientation])
        file.seek(0)
        file.truncate()
        try:
            options = _options(upright.size, kind, taken)
            if carried:
                options["pnginfo"].add(CHUNK, carried)
            upright.save(file, kind.name, **kind.options, **options)
        except Exception as error:  # of any kind, in Pillow's writers
            if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
                raise
            reason = error
            continue
        if lost or refused:
            warn(f"{kind.name} does not keep its {', '.join(NAMES[key] for key in [*lost, *refused])}")
        return
    raise BadRequest(f"cannot be written as {kind.name} ({reason})") from reason


def flattened(pixels: Pixels, alpha: Pixels, background: str) -> Pixels:
    """Return pixels, uint8 (H, W, 3), laid over a colour. Raises BadRequest where it is none."""
    opacity = alpha[:, :, None].astype(np.uint16)
    mixed = pixels * opacity + colour_named(background) * (255 - opacity)
    return ((mixed + 127) // 255).astype(np.uint8)


def colour_named(name: str) -> Pixels:
    """Return red, green and blue of "white" or "#80ff00". Raises BadRequest."""
    try:
        return np.array(ImageColor.getcolor(name, "RGB"), np.uint8)
    except ValueError as error:
        raise BadRequest(f"{name!r} is no colour; white and #80ff00 are") from error


def suffix_of(kind: str, background: str) -> str:
    """Return the suffix of a kind that is asked for, "png" or ".png", before any work is done.

    Raises BadRequest where it cannot be written, or `background` is neither "" nor a colour.
    """
    suffix = f".{kind.lstrip('.')}"
    kind_of(suffix)
    if background:
        colour_named(background)
    return suffix


def check_alpha(kind: Kind, background: str) -> None:
    """Raise BadRequest where a picture with alpha that its kind does not hold has no background."""
    if not background:
        missing = "no alpha but clear and opaque" if kind.on_or_off else "no alpha"
        raise BadRequest(f"{kind.name} has {missing}; choose another kind, or a colour to put behind by --background")


def _fitted(picture: Picture, kind: Kind, background: str) -> Picture:
    """Return the picture as its kind can hold it. Raises BadRequest."""
    if kind.side and max(picture.width, picture.height) > kind.side:
        raise BadRequest(f"{kind.name} holds pictures of up to {kind.side}×{kind.side}")
    alpha = picture.alpha
    if alpha is None or ("RGBA" in kind.modes and not (kind.on_or_off and ((alpha > 0) & (alpha < 255)).any())):
        return picture
    check_alpha(kind, background)
    grey = picture.grey and len(set(colour_named(background))) == 1
    return replace(picture, pixels=flattened(picture.pixels, alpha, background), grey=grey, alpha=None)


def _options(size: tuple[int, int], kind: Kind, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a kind's writer that depend on the picture: its metadata, mostly."""
    options = dict(kept)
    if kind.name == "PNG":
        options["pnginfo"] = chunks = PngInfo()
        if code := code_in(kept.get("icc_profile", b"")):
            chunks.add(b"cICP", code)
        if "xmp" in kept:
            chunks.add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode("utf-8", "replace"))
    elif kind.name == "TIFF" and "xmp" in kept:  # a tag beside those of the EXIF data
        options["exif"] = tags = Image.Exif()
        tags.load(kept.get("exif", b""))
        tags[XMP_TAG] = options.pop("xmp")
    elif kind.name == "JPEG" and "exif" in kept:
        options["exif"] = EXIF_PREFIX + kept["exif"].removeprefix(EXIF_PREFIX)
    elif kind.name == "ICO":
        options |= {"bitmap_format": "png", "sizes": [size]}  # and no smaller ones beside it
    return options
