"""Would profiles of neighbours' indices predict a block better? A test in closed form, before any network is trained.

Of each neighbour of a white block, a decoder knows the mean magnitude of the indices in the four lines along the common
edge, by channel group and by position along the edge. Latents are sorted by group, distance to the nearest such edge,
that magnitude, and scale. For each class, the shift of scale indices is chosen that costs the fewest bits on training
pictures; bits are counted on others. Beside it stands what such shifts save without the profiles, by scale alone.
Source of the idea: the contextual prediction module of Wu et al., Learned Block-Based Hybrid Image Compression (2022).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.store import Line
from trellic.codec import Codec
from trellic.codec.blocks import code_blocks
from trellic.codec.coding import Pass
from trellic.codec.positions import Floats
from trellic.codec.refinement import UNREFINED
from trellic.codec.ring import Ring
from trellic.codec.tiles import LATENT, Window, Workers, windows
from trellic.codec.units import CodedUnit, code_unit
from trellic.codec.visibility import PSNR
from trellic.container import Grid
from trellic.container.header import QUALITY_ONE
from trellic.entropy.bits import bits_of
from trellic.entropy.states import CdfIndices, Indices
from trellic.entropy.tables import SCALES, SKIPPED_SCALES
from trellic.jobs.plan import find_files
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read
from trellic.picture.types import Picture

LINES, DISTANCES = 4, 4
MAGNITUDES = (0.01, 0.05, 0.25)
"""What separates the classes of magnitudes."""
MERGED = 4
"""Scale indices of a class."""
SHIFTS = range(-4, 5)
Array = npt.NDArray[np.int64]


class Coded(NamedTuple):
    """Latents of white blocks: their class, set · 64, scale index and index."""

    classes: Array
    offsets: Array
    scales: Array
    indices: Array


def coded_latents(codec: Codec, picture: Picture, side: int, quality: float) -> Iterator[Coded]:
    """Yield the coded latents of y in each white block of a picture."""
    grid = Grid.of_blocks(picture.width, picture.height, side)
    sessions, deployed = codec.sessions, codec.deployed
    passes: dict[int, list[tuple[Pass, Indices, CdfIndices]]] = {number: [] for number in range(grid.tiles)}

    def code(number: int, window: Window, ring: Ring) -> CodedUnit:
        def see(at: Pass, indices: Indices, cdf_indices: CdfIndices, values: Floats) -> None:
            passes[number].append((at, indices, cdf_indices))

        return code_unit(sessions, deployed, round(quality * QUALITY_ONE), window, PSNR, UNREFINED, see, ring)

    for _ in code_blocks(grid, windows(picture, grid, codec.model.margin), code, Workers(1, 1)):
        pass
    groups = [step.start for step in codec.model.schedule.groups]
    magnitudes = {number: _magnitudes(grid, number, found, groups) for number, found in passes.items()}
    for number in (each for each in range(grid.tiles) if not grid.is_black(each)):
        profile, distance = _profiles(grid, number, magnitudes, len(groups))
        for at, indices, cdf_indices in passes[number]:
            if at.step.variable != "y" or not len(indices):
                continue
            area, group = distance.size, groups.index(at.step.start)
            place = at.positions % area
            level = np.digitize(profile[group].reshape(-1)[place], MAGNITUDES)
            near = np.minimum(distance.reshape(-1)[place], DISTANCES - 1)
            scales, offsets = cdf_indices.astype(np.int64) % SCALES, cdf_indices.astype(np.int64) // SCALES * SCALES
            classes = ((group * DISTANCES + near) * (len(MAGNITUDES) + 1) + level) * SCALES + scales
            yield Coded(classes, offsets, scales, indices.astype(np.int64))


def _magnitudes(grid: Grid, number: int, passes: list[tuple[Pass, Indices, CdfIndices]], groups: list[int]) -> Floats:
    """Return the mean magnitude of a block's indices in each group, float32 (groups, H, W)."""
    tile = grid.tile(number)
    found = np.zeros((len(groups), tile.height // LATENT, tile.width // LATENT), np.float32)
    for at, indices, _ in passes:
        if at.step.variable == "y":
            sums = np.bincount(at.positions % found[0].size, np.abs(indices), found[0].size)
            plane = found[groups.index(at.step.start)]
            plane += (sums / (at.step.stop - at.step.start)).reshape(plane.shape)
    return found


def _profiles(grid: Grid, number: int, magnitudes: dict[int, Floats], groups: int) -> tuple[Floats, Array]:
    """Return, for each position, the magnitudes beyond its nearest edge with a neighbour, and how far that is."""
    tile = grid.tile(number)
    height, width = tile.height // LATENT, tile.width // LATENT
    rows, columns = np.mgrid[0:height, 0:width]
    profile, distance = np.zeros((groups, height, width), np.float32), np.full((height, width), 1 << 20, np.int64)
    left, top, right, bottom = grid.beside(number)
    sides = ((left, columns), (right, width - 1 - columns), (top, rows), (bottom, height - 1 - rows))
    for each, far in sides:
        if each is None:
            continue
        planes, along = magnitudes[each], each in (left, right)
        first = planes[:, :, :LINES] if along else planes[:, :LINES]
        last = planes[:, :, -LINES:] if along else planes[:, -LINES:]
        line = (last if each in (left, top) else first).mean(axis=2 if along else 1)
        spread = np.broadcast_to(line[:, :, None] if along else line[:, None, :], profile.shape)
        nearer = far < distance
        profile, distance = np.where(nearer, spread, profile), np.where(nearer, far, distance)
    return profile, distance


def saved(codec: Codec, training: list[Picture], others: list[Picture], side: int, quality: float) -> Line:
    """Return how many per cent of white blocks' bits the shifts save on pictures that they were not chosen on."""
    chosen, counted = (_all(codec, each, side, quality) for each in (training, others))

    def bits(coded: Coded) -> npt.NDArray[np.float64]:
        """Return what each latent costs by each shift."""
        shifted = [np.clip(coded.scales + shift, SKIPPED_SCALES, SCALES - 1) + coded.offsets for shift in SHIFTS]
        indices, tables = coded.indices.astype(np.int32), codec.deployed.tables
        return np.stack([bits_of(each.astype(np.uint8), indices, tables) for each in shifted])

    costs, found = bits(chosen), bits(counted)
    before = found[SHIFTS.index(0)].sum()

    def percent(given: Array, wanted: Array) -> float:
        """Return what the best shifts of classes save."""
        best = np.stack([np.bincount(given, each, 1 + max(given.max(), wanted.max())) for each in costs]).argmin(axis=0)
        return float(100 * (1 - np.take_along_axis(found, best[wanted][None], axis=0).sum() / before))

    return {
        "quality": quality, "latents": len(counted.indices),
        "strips": percent(chosen.classes // MERGED, counted.classes // MERGED),
        "scales": percent(chosen.classes % SCALES // MERGED, counted.classes % SCALES // MERGED),
    }  # fmt: skip


def _all(codec: Codec, pictures: list[Picture], side: int, quality: float) -> Coded:
    """Return the coded latents of white blocks of pictures."""
    parts = [part for one in pictures for part in coded_latents(codec, one, side, quality)]
    return Coded(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def pictures(folder: Path, first: int, every: int) -> list[Picture]:
    """Return each n-th picture of a folder."""
    return [read(path) for path, _ in find_files([str(folder)], readable_suffixes())[first::every]]
