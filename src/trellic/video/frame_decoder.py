"""Coded frames → pixels. What is coded of a frame depends on no pixels of others: only the prediction does."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trellic.codec.decoder import Seen, decode_latents, synthesize, unseen
from trellic.container.grid import Box, Grid
from trellic.container.video import CodedFrame, Kind
from trellic.entropy.rans import Decoder
from trellic.model import Sessions
from trellic.model.model import Floats
from trellic.picture.types import Pixels, interleave
from trellic.video.compensate import compensate
from trellic.video.field import SKIP_SIDE, Field, pull_field
from trellic.video.motion import Motion, Uint8s, direct_vectors, resolve
from trellic.video.networks import Networks
from trellic.video.reference import Reference
from trellic.video.residual import MIDDLE, add_residual, hide
from trellic.video.restoration import restore_frame


class Indexed(NamedTuple):
    """What a frame's payload holds.

    field    what precedes the residual; None for intra frames
    latents  of the picture, or of the residual picture; None where none are coded
    """

    field: Field | None
    latents: dict[str, Floats] | None


def decode_indices(networks: Networks, coded: CodedFrame, height: int, width: int, see: Seen = unseen) -> Indexed:
    """Return what the payload of a frame, not of a repeat, holds; show its indices to `see`. Raises DamagedStream."""
    coder = Decoder(coded.payload, single=coded.kind == Kind.PREDICTED)
    field: Field | None = None
    skipped: Uint8s | None = None
    if coded.kind == Kind.PREDICTED:
        field = pull_field(coder, height, width, len(coded.references))
        for part in (*field.symbols, field.skipped):
            see(part.astype(np.int32).reshape(-1))
        skipped = field.skipped
    if skipped is not None and skipped.all():
        coder.finish()
        return Indexed(field, None)
    grid, deployed = Grid.whole(width, height).picture, networks.deployed
    step = deployed.step_at(coded.quality)
    latents = decode_latents(
        networks.of(coded.kind), coder, grid.height, grid.width, coded.quality, deployed, step, see, skipped=skipped
    )
    return Indexed(field, latents)


def synthesize_frame(networks: Networks, coded: CodedFrame, indexed: Indexed, height: int, width: int) -> Pixels | None:
    """Return the picture, or the residual picture, of decoded latents, uint8 (H, W, 3); None where there are none.

    Of a residual picture, only the box around the blocks that are coded is synthesized.
    """
    if indexed.latents is None:
        return None
    sessions = networks.of(coded.kind)
    if indexed.field is None:
        planes = synthesize(sessions, indexed.latents, coded.quality)
        pixels = np.empty((height, width, 3), np.uint8)
        interleave(planes[:, :height, :width], pixels)
        return pixels
    return residual_picture(sessions, indexed.latents, coded.quality, indexed.field.skipped, height, width)


def residual_picture(
    sessions: Sessions, latents: dict[str, Floats], quality: int, skipped: Uint8s, height: int, width: int
) -> Pixels:
    """Return the residual picture of latents, uint8 (H, W, 3): mid-grey in skipped blocks."""
    whole = Grid.whole(width, height).picture
    rows, columns = np.flatnonzero(skipped.min(axis=1) == 0), np.flatnonzero(skipped.min(axis=0) == 0)
    inner = Box(
        SKIP_SIDE * int(columns[0]),
        SKIP_SIDE * int(rows[0]),
        SKIP_SIDE * int(columns[-1] + 1),
        SKIP_SIDE * int(rows[-1] + 1),
    )
    around = inner.grown(sessions.model.margin, whole)
    stride = sessions.model.schedule.variables["y"].stride
    seen = np.ascontiguousarray(latents["y"][:, *around.within(whole, stride)])
    planes = synthesize(sessions, {"y": seen}, quality)[:, *inner.within(around)]
    shown = inner.common(Box(0, 0, width, height))
    pixels = np.full((height, width, 3), MIDDLE, np.uint8)
    interleave(planes[:, : shown.height, : shown.width], pixels[*shown.within(whole)])
    hide(pixels, skipped)
    return pixels


def decode_picture(
    networks: Networks, coded: CodedFrame, height: int, width: int
) -> tuple[Indexed | None, Pixels | None]:
    """Return what the payload of a frame holds, and the picture or residual picture; nothing of a repeat.

    Raises DamagedStream.
    """
    if coded.kind == Kind.REPEAT:
        return None, None
    indexed = decode_indices(networks, coded, height, width)
    return indexed, synthesize_frame(networks, coded, indexed, height, width)


def show_frame(
    coded: CodedFrame, indexed: Indexed | None, picture: Pixels | None, references: list[Reference]
) -> Reference:
    """Return a frame from its references, its field, and its picture or residual picture.

    Raises DamagedStream for impossible motion.
    """
    if indexed is None:  # a repeat
        height, width, _ = references[0].pixels.shape
        return Reference(coded.number, references[0].pixels, Motion.still(height, width))
    if indexed.field is None:
        assert picture is not None
        height, width, _ = picture.shape
        return Reference(coded.number, restore_frame(picture, coded.weights, None), Motion.still(height, width))
    prediction, motion = predict(coded, indexed.field, references)
    pixels = prediction if picture is None else add_residual(prediction, picture)
    return Reference(coded.number, restore_frame(pixels, coded.weights, indexed.field.skipped), motion)


def predict(coded: CodedFrame, field: Field, references: list[Reference]) -> tuple[Pixels, Motion]:
    """Return what a frame is predicted to be, uint8 (H, W, 3), and its motion.

    Raises DamagedStream for impossible motion.
    """
    motion = motion_of(coded, field, references)
    return compensate([one.pixels for one in references], motion), motion


def motion_of(coded: CodedFrame, field: Field, references: Sequence[Reference]) -> Motion:
    """Return the motion of a frame. Raises DamagedStream where it is impossible."""
    distances = tuple(coded.number - one.number for one in references)
    return resolve(field.symbols, direct_vectors(references[-1].motion, distances), distances)
