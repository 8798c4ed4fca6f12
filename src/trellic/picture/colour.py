"""The colour space of a picture: known ones by one byte, others by a profile.

Sources: IEC 61966-2-1 (sRGB), SMPTE EG 432-1 (Display P3), ITU-T H.273 (code points), ITU-R BT.2100 (PQ and HLG).
"""

import io
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from trellic.picture import icc
from trellic.picture.icc import Floats, Profile, UnsoundProfile
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.types import warn, warn_of_samples

D65 = (0.3127, 0.329)
BT709 = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
SRGB_CURVE = icc.piecewise(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
KNOWN = {
    ColourSpace.SRGB: (SRGB_CURVE, "sRGB", BT709),
    ColourSpace.DISPLAY_P3: (SRGB_CURVE, "Display P3", P3),
    ColourSpace.ADOBE_RGB: (icc.gamma(563 / 256), "compatible with Adobe RGB (1998)", ADOBE),
    ColourSpace.GAMMA_2_2: (icc.gamma(2.2), "gamma 2.2", BT709),
}
"""Curve, name and primaries of each space; the white of all is D65."""
GREY: tuple[ColourSpace, ...] = (ColourSpace.SRGB, ColourSpace.GAMMA_2_2)
"""Spaces whose curves grey profiles are compared to."""
NEAR_XYZ, NEAR_CURVE = 0.002, 0.002
"""How far known profiles are from each other: colorants in XYZ, curves in linear light."""
PRIMARIES = {
    1: (BT709, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.31, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.6), (0.15, 0.06)), D65),
    6: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), D65),
    7: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), D65),
    9: (((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)), D65),
    11: (P3, (0.314, 0.351)),
    12: (P3, D65),
}
"""By code point of H.273: primaries and white."""
PQ, HLG = 16, 18
BT709_CURVE = icc.piecewise(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)


def profile_of(metadata: Metadata, grey: bool) -> bytes:
    """Return the ICC profile that a decoded picture gets, or nothing."""
    if metadata.colour_space is ColourSpace.UNSPECIFIED:
        return metadata.icc
    curve, name, primaries = KNOWN[metadata.colour_space]
    return icc.write_grey(curve, name) if grey else icc.write(curve, name, primaries, D65)


def colours_by_profile(data: bytes, grey: bool) -> Metadata:
    """Return the known space that a profile is, or the profile; neither, and a warning, where it does not fit.

    grey  whether the picture is: a profile for RGB fits that, too, but none for grey fits a coloured picture
    """
    try:
        profile = icc.parse(data)
        space = _recognised(profile)
        if profile.space == b"GRAY" and not grey:
            warn("profile for grey on a coloured picture dropped")
        elif profile.space not in {b"GRAY", b"RGB "}:
            warn(f"profile for {profile.space.decode('latin-1').strip()} dropped")
        elif space is not ColourSpace.UNSPECIFIED:
            return Metadata(space)
        else:
            _check_usable(data, "L" if profile.space == b"GRAY" else "RGB")
            return Metadata(icc=data)
    except UnsoundProfile as error:
        warn(f"unsound profile dropped: {error}")
    return Metadata()


def colours_by_gamma(exponent: float | None, chromaticities: tuple[float, ...] | None, grey: bool) -> Metadata:
    """Return the colour that a PNG's gAMA and cHRM chunks describe: white, red, green and blue, (x, y) each."""
    numbers = np.reshape(chromaticities or (*D65, *np.ravel(BT709)), (4, 2))
    exponent = 1 / 2.2 if exponent is None else exponent
    if not 0.01 < exponent < 100 or (numbers[:, 1] <= 0).any() or np.linalg.matrix_rank(numbers[1:] - numbers[0]) < 2:
        warn("impossible gAMA or cHRM chunk dropped")
        return Metadata()
    curve = SRGB_CURVE if abs(exponent * 2.2 - 1) < 0.01 else icc.gamma(1 / exponent)
    name = f"gamma {1 / exponent:.4g}"
    made = icc.write_grey(curve, name) if grey else icc.write(curve, name, numbers[1:], numbers[0])
    space = _recognised(icc.parse(made))
    return Metadata(space) if space else Metadata(icc=made)


def colours_by_code(primaries: int, transfer: int, full_range: bool, grey: bool) -> Metadata | None:
    """Return what code points of H.273 say; None, and a warning, where they are not known here."""
    if primaries == 2 and transfer == 2:  # unspecified
        return None
    curve = _curve_coded(transfer)
    if primaries not in PRIMARIES or curve is None or not full_range:
        warn(f"colour description dropped: primaries {primaries}, transfer {transfer}, full range {full_range:d}")
        return None
    if transfer in {PQ, HLG}:
        warn(f"{'PQ' if transfer == PQ else 'HLG'} samples of a picture of high dynamic range kept in 8 bits")
    name, code = f"H.273 {primaries} {transfer}", bytes([primaries, transfer, 0, 1])
    code = code if transfer in {PQ, HLG} else b""
    made = icc.write_grey(curve, name) if grey else icc.write(curve, name, *PRIMARIES[primaries], code)
    space = _recognised(icc.parse(made))
    return Metadata(space) if space else Metadata(icc=made)


def code_in(profile: bytes) -> bytes:
    """Return the colour description by H.273 that a profile carries, four bytes, or nothing."""
    try:
        return icc.parse(profile).tags.get(b"cicp", b"")[8:12]
    except UnsoundProfile:
        return b""


def profile_name(metadata: Metadata, grey: bool) -> str:
    """Return the description in a picture's colour profile, or nothing."""
    profile = profile_of(metadata, grey)
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip() if profile else ""
    except (ImageCms.PyCMSError, OSError):
        return "not readable"


def is_for_colour(profile: bytes) -> bool:
    """Return whether a profile is for RGB."""
    return profile[16:20] == b"RGB "


def coloured(profile: bytes) -> bytes:
    """Return a profile for RGB that shows greys as a sound profile for grey does; any other as it is."""
    try:
        found = icc.parse(profile)
    except UnsoundProfile:
        return profile
    curve = found.tags.get(b"kTRC")
    return icc.write(curve, "grey", BT709, D65) if found.space == b"GRAY" and curve else profile


def from_cmyk(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert CMYK through its profile where it has a sound one, else by Pillow's formula."""
    warn_of_samples("CMYK converted to sRGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")
        if converted is not None:
            return converted
    return image.convert("RGB")


@cache
def _known(space: ColourSpace) -> tuple[Floats, Floats]:
    """Return the colorants and the curve of a known space."""
    curve, _, primaries = KNOWN[space]
    return icc.adapted(primaries, D65), icc.curve_of(curve)


def _recognised(profile: Profile) -> ColourSpace:
    """Return the known space that a profile is. Raises UnsoundProfile."""
    if profile.space == b"GRAY" and b"kTRC" in profile.tags:
        colorants, among = None, GREY
        curves = [icc.curve_of(profile.tags[b"kTRC"])]
    elif profile.space == b"RGB " and (colorants := icc.colorants_of(profile)) is not None:
        names = (b"rTRC", b"gTRC", b"bTRC")
        among = tuple(KNOWN)
        curves = [icc.curve_of(profile.tags.get(name, b"")) for name in names]
    else:
        return ColourSpace.UNSPECIFIED
    for space in among:
        wanted, curve = _known(space)
        near = colorants is None or np.abs(colorants - wanted).max() < NEAR_XYZ
        if near and all(np.abs(own - curve).max() < NEAR_CURVE for own in curves):
            return space
    return ColourSpace.UNSPECIFIED


def _check_usable(data: bytes, mode: str) -> None:
    """Raise UnsoundProfile where colours cannot be managed by a profile."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise UnsoundProfile("it says nothing of colours") from error


def _curve_coded(transfer: int) -> bytes | None:
    """Return the curve of a code point of H.273. White is that of BT.2408 for PQ and HLG; beyond, it is cut."""
    x = np.linspace(0, 1, 1024)
    if transfer == PQ:
        power = x ** (1 / 78.84375)
        light: npt.NDArray[np.float64] = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (
            1 / 0.1593017578125
        )
        return icc.table(np.minimum(light * 10000 / 203, 1))
    if transfer == HLG:
        scene = np.where(x <= 0.5, x * x / 3, (np.exp((x - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        return icc.table(np.minimum((scene / 0.26496256) ** 1.2, 1))
    curves = {4: icc.gamma(2.2), 5: icc.gamma(2.8), 8: icc.gamma(1), 13: SRGB_CURVE}
    return BT709_CURVE if transfer in {1, 6, 14, 15} else curves.get(transfer)
