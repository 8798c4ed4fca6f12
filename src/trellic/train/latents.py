"""Where a stage's latents come from: the analysis at each step, or a cache of latents that were quantized once."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trellic.container.grid import Beside
from trellic.files import scratch_below
from trellic.networks.learned import Coder, Decoded, LearnedCodec
from trellic.networks.ring import RingedTensors, ring_in
from trellic.train.crops import Crops
from trellic.train.data import to_device
from trellic.train.processes import local_rank, wait_for_all

FIXED_POINT = 32
"""Cached latents are kept in 1/32 of the unit: an error a thousandth of what quantizing makes."""
CACHE_BATCH = 4
MARGIN = 64
"""Pixels around a block, of which its ring is taken."""

CoderOf = Callable[[Tensor], Coder]
"""Qualities (N, 1, 1, 1) of a batch → what stands for the quantizer."""


class Batch(NamedTuple):
    """Pictures (N, 3, H, W), qualities (N, 1, 1, 1), and the latents as decoded, with their bits.

    targets  variables before they are quantized, by name; none where latents are cached
    aim      qualities that rate and distortion are weighed for, like `quality`; None where they are these
    """

    pictures: Tensor
    quality: Tensor
    decoded: Decoded
    targets: dict[str, Tensor]
    aim: Tensor | None = None


class Latents:
    """The source of a stage's batches: pictures and qualities, and latents as a decoder has them."""

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a new batch."""
        raise NotImplementedError


class LiveLatents(Latents):
    """Latents of new crops by the analysis as it is now."""

    def __init__(self, codec: LearnedCodec, crops: Crops, coder_of: CoderOf) -> None:
        self.codec, self.crops, self.coder_of = codec, crops, coder_of

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a new batch, with gradients for whatever is trained."""
        pictures, quality = self.crops.draw(count, device)
        targets = self.codec.encode(pictures, quality)
        return Batch(pictures, quality, self.codec.code(targets, quality, self.coder_of(quality)), targets)


class BlockLatents(LiveLatents):
    """Latents of blocks in the middle of new crops, coded with a ring of the latents around, on random sides.

    What lies around is coded as a part of the whole crop, and has no gradient. A crop is larger than its block by
    MARGIN on all sides.
    """

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a new batch, with gradients for whatever is trained."""
        pictures, quality = self.crops.draw(count, device)
        with torch.no_grad():
            targets = self.codec.encode(pictures, quality)
            around = self.codec.code(targets, quality, self.coder_of(quality)).values
        strides = {name: one.stride for name, one in self.codec.schedule.variables.items()}
        sides: Beside[bool] = Beside(*(bool(self.crops.beside.integers(2)) for _ in Beside._fields))
        ring = ring_in(around, strides, MARGIN, sides)
        inside = {name: slice(MARGIN // stride, -MARGIN // stride) for name, stride in strides.items()}
        own = {name: each[:, :, inside[name], inside[name]] for name, each in targets.items()}
        values_of = partial(RingedTensors, self.codec.schedule, ring)
        decoded = self.codec.code(own, quality, self.coder_of(quality), values_of)
        return Batch(pictures[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN], quality, decoded, own)


class CachedLatents(Latents):
    """Crops with their decoded latents, kept in a folder that is named by all that they follow from."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random = folder, np.random.default_rng(seed)
        self.qualities = np.load(folder / "qualities.npy")
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        paths = sorted(folder.glob("values-*.npy"))
        self.values = {path.stem.removeprefix("values-"): np.load(path, mmap_mode="r") for path in paths}

    def draw(self, count: int, device: torch.device) -> Batch:
        """Return a batch of the cache, without repetition."""
        chosen = np.sort(self.random.choice(len(self.qualities), count, replace=False))
        quality = torch.from_numpy(self.qualities[chosen]).to(device).view(-1, 1, 1, 1)
        values = {
            name: torch.from_numpy(kept[chosen].astype(np.float32)).to(device) / FIXED_POINT
            for name, kept in self.values.items()
        }
        return Batch(to_device(list(self.pictures[chosen]), device), quality, Decoded(values, {}), {})

    @classmethod
    def filled(
        cls, cache: Path, facts: bytes, count: int, live: Latents, device: torch.device, seed: int
    ) -> "CachedLatents":
        """Return the cache of `count` crops, quantizing them first where a machine has none by these facts."""
        folder = cache / f"latents-{hashlib.sha256(facts).hexdigest()[:16]}"
        if local_rank() == 0 and not folder.exists():
            with scratch_below(cache) as scratch:
                made = Path(scratch) / folder.name
                made.mkdir()
                _fill(made, count, live, device)
                with suppress(OSError):  # another machine on this disk was first
                    made.rename(folder)
        wait_for_all()
        return cls(folder, seed)


@torch.no_grad()
def _fill(folder: Path, count: int, live: Latents, device: torch.device) -> None:
    """Write crops, their decoded latents and their qualities."""
    stores: dict[str, np.ndarray] = {}
    qualities = np.empty(count, np.float32)

    def keep(name: str, part: slice, values: np.ndarray) -> None:
        if name not in stores:
            shape = (count, *values.shape[1:])
            stores[name] = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", values.dtype, shape)
        stores[name][part] = values

    for start in range(0, count, CACHE_BATCH):
        part = slice(start, min(start + CACHE_BATCH, count))
        pictures, quality, decoded, *_ = live.draw(part.stop - part.start, device)
        keep("pictures", part, (pictures * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
        for name, values in decoded.values.items():
            fixed = (values * FIXED_POINT).round().clamp(-32768, 32767)
            keep(f"values-{name}", part, fixed.short().cpu().numpy())
        qualities[part] = quality.flatten().cpu().numpy()
    for store in stores.values():
        store.flush()  # type: ignore[attr-defined]
    np.save(folder / "qualities.npy", qualities)
