"""Pixels → coded frames: the encoder of single frames, which keeps what a decoder will have of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trellic.codec.analysis import Analysed, analyse
from trellic.codec.costs import Costs, error_weight
from trellic.codec.encoder import Coded, encode_latents
from trellic.codec.refinement import Refinement
from trellic.codec.tiles import LATENT
from trellic.container.grid import Grid
from trellic.container.header import QUALITY_ONE
from trellic.container.video import CodedFrame, Kind
from trellic.entropy.rans import Encoder
from trellic.picture.types import Pixels
from trellic.video.compensate import compensate
from trellic.video.estimate import estimate
from trellic.video.field import SKIP_SIDE, Field, push_field
from trellic.video.frame_decoder import Indexed, residual_picture, synthesize_frame
from trellic.video.motion import Motion, Uint8s
from trellic.video.networks import Networks
from trellic.video.reference import Reference
from trellic.video.residual import add_residual, residual_of
from trellic.video.restoration import fit_frame
from trellic.video.search import searched
from trellic.video.structure import Turn

LEAST_BITS = 8.0
"""What a block that is not skipped takes at least: one that is worth less is skipped before anything is coded."""


def encode_intra(
    networks: Networks, pixels: Pixels, number: int, quality: int, refinement: Refinement
) -> tuple[CodedFrame, Reference]:
    """Code a frame, uint8 (H, W, 3), as a picture, at a quality in 1/256 of a point."""
    height, width, _ = pixels.shape
    analysed = analyse(networks.intra, pixels, quality)
    coded = encode_latents(networks.intra, analysed, networks.deployed)
    coded = searched(networks.intra, networks.deployed, pixels, analysed, coded, refinement)
    frame = CodedFrame(Kind.INTRA, number, (), quality, True, coded.data)
    shown = synthesize_frame(networks, frame, Indexed(None, coded.decoded), height, width)
    assert shown is not None
    decoded = Reference(number, shown, Motion.still(height, width))
    return _restored(frame, decoded, pixels, None) if refinement.restores else (frame, decoded)


def encode_predicted(
    networks: Networks,
    pixels: Pixels,
    turn: Turn,
    references: Sequence[Reference],
    quality: int,
    refinement: Refinement,
) -> tuple[CodedFrame, Reference]:
    """Code a frame, uint8 (H, W, 3), as the residual of its prediction, at a quality in 1/256 of a point."""
    height, width, _ = pixels.shape
    weight = error_weight(quality)
    symbols, motion = estimate(turn.number, pixels, references, quality / QUALITY_ONE)
    prediction = compensate([one.pixels for one in references], motion)
    unpredicted = _block_errors(pixels, prediction)
    sessions, deployed, grid = networks.predicted, networks.deployed, Grid.whole(width, height)
    skipped = (weight * unpredicted < LEAST_BITS).astype(np.uint8)
    analysed: Analysed | None = None

    def begin() -> Encoder:
        coder = Encoder(single=True)
        push_field(coder, Field(symbols, skipped), len(references))
        return coder

    def shown_by(coded: Coded) -> Pixels:
        return add_residual(prediction, residual_picture(sessions, coded.decoded, quality, skipped, height, width))

    def attempt() -> tuple[Coded, Pixels, Uint8s]:
        """Return the coded residual picture, what it shows, and which blocks are not worth their bits."""
        nonlocal analysed
        if skipped.all():
            return Coded(begin().finish(), 0.0, {}), prediction, np.zeros_like(skipped)
        analysed = replace(analysed or analyse(sessions, residual_of(pixels, prediction), quality), skipped=skipped)
        costs = Costs(grid)
        see = costs.seen(grid.picture, sessions.model, deployed)
        coded = encode_latents(sessions, analysed, deployed, see, begin())
        shown = shown_by(coded)
        saved = weight * (unpredicted - _block_errors(pixels, shown))
        bits = _block_sums(costs.bits, SKIP_SIDE // LATENT)
        return coded, shown, ((skipped == 0) & (saved <= bits)).astype(np.uint8)

    coded, shown, vain = attempt()
    if vain.any():
        skipped = skipped | vain
        coded, shown, _ = attempt()
    if analysed and not skipped.all():
        found = searched(sessions, deployed, pixels, analysed, coded, refinement, prediction, begin)
        if found is not coded:
            coded, shown = found, shown_by(found)
    if skipped.all() and np.array_equal(prediction, references[0].pixels):
        frame = CodedFrame(Kind.REPEAT, turn.number, turn.references, quality, turn.kept, b"")
        return frame, Reference(turn.number, references[0].pixels, Motion.still(height, width))
    frame = CodedFrame(Kind.PREDICTED, turn.number, turn.references, quality, turn.kept, coded.data)
    decoded = Reference(turn.number, shown, motion)
    return _restored(frame, decoded, pixels, skipped) if refinement.restores else (frame, decoded)


def _restored(
    frame: CodedFrame, decoded: Reference, pixels: Pixels, skipped: Uint8s | None
) -> tuple[CodedFrame, Reference]:
    """Return a frame with weights of restoration that are worth their bits, and what it shows then."""
    restoration, shown = fit_frame(decoded.pixels, pixels, skipped, error_weight(frame.quality))
    return replace(frame, restoration=restoration), Reference(decoded.number, shown, decoded.motion)


def _block_errors(pixels: Pixels, other: Pixels) -> np.ndarray:
    """Return the squared errors of blocks of 64×64, float64 (H/64, W/64), rounded up."""
    squares = np.square(pixels.astype(np.int32) - other).sum(axis=2).astype(np.float64)
    height, width = squares.shape
    return _block_sums(np.pad(squares, ((0, -height % SKIP_SIDE), (0, -width % SKIP_SIDE))), SKIP_SIDE)


def _block_sums(values: np.ndarray, side: int) -> np.ndarray:
    """Return the sums of values over blocks of a side."""
    height, width = values.shape
    return values.reshape(height // side, side, width // side, side).sum(axis=(1, 3))
