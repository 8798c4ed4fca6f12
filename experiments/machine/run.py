"""What features of the first part of a stream are worth beside those of its decoded picture.

Pictures are encoded at several qualities; a head is trained on one half of the scenes, each picture at a quality of its
own, and asked about the other half. The same is done with what EfficientNet-Lite0 sees in the decoded pictures,
and with what needs no network. Needs trellic[train,perceptual].
"""

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from experiments.store import keep, shipped
from trellic.codec import Codec
from trellic.codec.decoder import decode_latents
from trellic.codec.deployed import DeployedQuantizer
from trellic.container import Stream
from trellic.entropy.rans import Decoder
from trellic.evaluate.macs import count
from trellic.files import write_atomically
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.machine.features import FeatureReader
from trellic.machine.latents import BASE, BaseLatents, read_base
from trellic.machine.logistic import choose_penalty, fit_logistic
from trellic.machine.network import BASE_GROUPS, graph_at
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read
from trellic.picture.types import Pixels
from trellic.quantize import quantizer_numbered
from trellic.train.teacher import Teacher

QUALITIES = (10, 30, 50, 80)
SEEDS = 5
SCENES = 100
"""A picture's number beyond this is another scale of the same scene."""
REFERENCE_SIDE = 224
"""Of what Lite0 sees, in pixels: what it was trained on."""
LITE0_MACS = 407e6
"""Of Lite0 on a picture of that side, as its authors count."""
LABELLED, OBJECTS = "labelled/rsscn7", "train/photos"
OBJECT = re.compile(r"dreambooth__(.+)_\d+")
KINDS = ("base", "pixels", "pixels at full size", "latents", "colour")
CACHE = Path("runs/machine")
Vectors = dict[str, np.ndarray]
"""Of one picture at one quality, by kind."""


class Seeing:
    """Makes the vectors of pictures, of every kind."""

    def __init__(self) -> None:
        self.codec = Codec(threads=1)
        self.reader = FeatureReader(self.codec)
        self.teacher = Teacher().to(memory_format=torch.channels_last)

    def vectors(self, pixels: Pixels, quality: int) -> Vectors:
        """Return vectors of a picture at a quality, and the part of its file that the base takes."""
        data = self.codec.encode(pixels, quality)
        stream = Stream.parse(data)
        latents = read_base(stream, self.codec.resources_of(stream)(1))
        shown = self.codec.decode_picture(data).pixels
        found = self.reader.of_latents(latents, stream.header.quality, pixels.shape[1], pixels.shape[0])
        return {
            "base": found.vector,
            "pixels": self._seen(Image.fromarray(shown), REFERENCE_SIDE),
            "pixels at full size": self._seen(Image.fromarray(shown), min(shown.shape[:2])),
            "latents": _pooled(latents),
            "colour": _colour(shown),
            "part": np.array([self._base_bytes(stream) / len(data)]),
        }

    def _seen(self, image: Image.Image, side: int) -> np.ndarray:
        """Return Lite0's pooled features of a picture whose shorter side is brought to about so many pixels."""
        factor = side / min(image.size)
        width, height = (max(32, round(length * factor / 32) * 32) for length in image.size)
        if (width, height) != image.size:
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        tensor = torch.from_numpy(np.asarray(image).astype(np.float32) / 255).permute(2, 0, 1)[None]
        return self.teacher(tensor).end[0].mean(dim=(1, 2)).numpy()

    def _base_bytes(self, stream: Stream) -> int:
        """Return where in a file of one tile the base ends."""
        header, tile, coded = stream.header, stream.header.grid.tile(0), stream.units[0].coded
        deployed = DeployedQuantizer.of(self.codec.model, quantizer_numbered(header.quantizer))
        coder, step = Decoder(stream.read(coded)), deployed.step_at(header.quality)
        decode_latents(self.codec.sessions, coder, tile.height, tile.width, header.quality, deployed, step, extent=BASE)
        return coded.start + coder.read


def _pooled(latents: BaseLatents) -> np.ndarray:
    """Return means and mean magnitudes of the latents themselves."""
    return np.concatenate([part.mean(axis=(1, 2)) for one in latents for part in (one, np.abs(one))])


def _colour(pixels: Pixels) -> np.ndarray:
    """Return mean, deviation and mean difference of neighbours of each channel."""
    values = pixels.astype(np.float32)
    steps = np.abs(np.diff(values, axis=1)).mean(axis=(0, 1))
    return np.concatenate([values.mean(axis=(0, 1)), values.std(axis=(0, 1)), steps])


def seen(paths: Sequence[Path], qualities: Sequence[int], name: str) -> dict[int, Vectors]:
    """Return vectors of all pictures by quality, kept for when the command is given again."""
    seeing = Seeing()
    version = f"{shipped()}-{seeing.reader.networks.sha256.hex()[:16]}"
    found = {}
    for quality in qualities:
        path = CACHE / f"{version}-{name}-{quality}.npz"
        if not path.exists():
            vectors = [seeing.vectors(read(each).pixels, quality) for each in paths]
            arrays = {kind: np.array([one[kind] for one in vectors]) for kind in vectors[0]}
            write_atomically(path, lambda file: np.savez(file, **arrays))  # noqa: B023
            complain(f"machine: {name} at quality {quality}")
        with np.load(path) as kept:
            found[quality] = dict(kept)
    return found


def accuracies(
    vectors: dict[int, Vectors], kind: str, labels: np.ndarray, scenes: np.ndarray, seed: int
) -> list[float]:
    """Return the accuracy at each quality of a head for scenes that it was not trained on.

    The head is trained on half of the scenes, each picture at a quality that is drawn for it; its penalty is chosen
    there alone, no scene being parted.
    """
    random = np.random.default_rng(seed)
    by_quality = [vectors[quality][kind].astype(np.float64) for quality in QUALITIES]
    order = random.permutation(np.unique(scenes))
    trained = np.isin(scenes, order[: len(order) // 2])
    drawn = random.integers(len(QUALITIES), size=len(labels))
    inputs = np.array([by_quality[quality][number] for number, quality in enumerate(drawn)])[trained]
    classes = int(labels.max()) + 1
    penalty = choose_penalty(inputs, labels[trained], scenes[trained], classes)
    fit = fit_logistic(inputs, labels[trained], classes, penalty)
    return [float(np.mean(fit.classes_of(each[~trained]) == labels[~trained])) for each in by_quality]


def retrieved(vectors: np.ndarray, labels: Sequence[str]) -> float:
    """Return how often the picture of the smallest angle to one, of all others, shows the same object."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T / (lengths * lengths.T)
    np.fill_diagonal(likeness, -2)
    return float(np.mean([labels[number] == labels[nearest] for number, nearest in enumerate(likeness.argmax(axis=1))]))


def macs(codec: Codec, reader: FeatureReader, side: int) -> dict[str, float]:
    """Return multiply-accumulates a pixel of both ways, for a picture of this side that is looked at from near."""
    of = count(codec.model)
    base = {step.graph for step in codec.model.schedule.through(BASE_GROUPS) if hasattr(step, "graph")}
    own = reader.networks.card["macs_per_pixel"][graph_at(1)]
    return {
        "base": sum(of[name] for name in base) + own,
        "pixels": of["decoder"] + LITE0_MACS / side**2,
    }


def lines(data: Path) -> Iterator[dict[str, Any]]:
    """Yield what is measured."""
    files = [path for path, _ in find_files([str(data / LABELLED)], readable_suffixes())]
    names = sorted({path.parent.name for path in files})
    labels = np.array([names.index(path.parent.name) for path in files])
    scenes = np.array([int(path.stem[1:]) % SCENES for path in files])
    vectors = seen(files, QUALITIES, "rsscn7")
    for quality in QUALITIES:
        yield {"part": float(vectors[quality]["part"].mean()), "quality": quality}
    for kind in KINDS:
        for seed in range(SEEDS):
            start = time.process_time()
            found = accuracies(vectors, kind, labels, scenes, seed)
            yield {
                "kind": kind, "seed": seed, "accuracy": dict(zip(map(str, QUALITIES), found, strict=True)),
                "seconds": time.process_time() - start,
            }  # fmt: skip
        complain(f"machine: heads on {kind}")
    objects = [path for path, _ in find_files([str(data / OBJECTS)], readable_suffixes()) if OBJECT.match(path.stem)]
    shown = [OBJECT.match(path.stem)[1] for path in objects]  # type: ignore[index]
    vectors = seen(objects, QUALITIES, "dreambooth")
    for kind in KINDS:
        found = {str(quality): retrieved(vectors[quality][kind], shown) for quality in QUALITIES}
        yield {"kind": kind, "retrieved": found, "pictures": len(shown), "objects": len(set(shown))}
    codec = Codec(threads=1)
    yield {"macs": macs(codec, FeatureReader(codec), 384)}


def run(data: Path) -> None:
    """Measure, anew but for vectors that are kept."""
    torch.set_num_threads(1)
    keep("machine", list(lines(data)))
