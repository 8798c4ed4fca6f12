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
from trellic.codec.tiles import LATENT
from trellic.container import SectionType, Stream
from trellic.container.header import QUALITY_ONE
from trellic.entropy.rans import Decoder
from trellic.evaluate.macs import count
from trellic.files import write_atomically
from trellic.jobs.local import complain
from trellic.jobs.plan import find_files
from trellic.machine.features import SIDE, FeatureReader
from trellic.machine.latents import BASE, BaseLatents, read_base
from trellic.machine.logistic import choose_penalty, fit_logistic
from trellic.machine.network import BASE_GROUPS
from trellic.picture.kinds import readable_suffixes
from trellic.picture.pillow import read
from trellic.picture.types import Pixels
from trellic.quantize import quantizer_numbered
from trellic.train.teacher import Teacher

QUALITIES, RETRIEVED_AT = (10, 30, 50, 80), (50,)
SEEDS = 5
SCENES = 100
"""A picture's number beyond this is another scale of the same scene."""
LITE0_MACS = 407e6
"""Of Lite0 on a picture of SIDE, as its authors count."""
RSSCN7_SIDE = 384
"""Of the pictures, in pixels."""
STORED = ("pixels", "latents", "colour", "part")
LABELLED, OBJECTS = "labelled/rsscn7", "train/photos"
OBJECT = re.compile(r"dreambooth__(.+)_\d+")
KINDS = ("base", "pixels", "latents", "colour")
CACHE = Path("runs/machine")
Vectors = dict[str, np.ndarray]
"""Of all pictures at one quality, by kind."""


class Seeing:
    """Makes of pictures all that needs no network of features."""

    def __init__(self) -> None:
        self.codec = Codec(threads=1)
        self.teacher = Teacher().to(memory_format=torch.channels_last)

    def facts(self, pixels: Pixels, quality: int) -> dict[str, np.ndarray]:
        """Return the base of a picture's stream, its part of the file, and vectors of what is decoded."""
        data = self.codec.encode(pixels, quality)
        stream = Stream.parse(data)
        latents = read_base(stream, self.codec.resources_of(stream)(stream.header.grid.at_once))
        shown = self.codec.decode_picture(data).pixels
        return {
            "y": latents.y.astype(np.float16),
            "z": latents.z.astype(np.float16),
            "size": np.array(pixels.shape[:2]),
            "part": np.array(self._end(stream) / len(data)),
            "pixels": self._seen(Image.fromarray(shown)),
            "latents": _pooled(latents),
            "colour": _colour(shown),
        }

    def _seen(self, image: Image.Image) -> np.ndarray:
        """Return Lite0's pooled features of a picture that is brought to the side that it knows."""
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        samples = torch.from_numpy(np.asarray(image).astype(np.float32)).permute(2, 0, 1)[None]
        return self.teacher(samples)[0].mean(dim=(1, 2)).numpy()

    def _end(self, stream: Stream) -> float:
        """Return where in the file the base ends, of one tile of latents; else nothing that counts."""
        header, tile, coded = stream.header, stream.header.grid.tile(0), stream.units[0].coded
        if header.grid.tiles > 1 or coded.type != SectionType.LATENTS:
            return np.nan
        deployed = DeployedQuantizer.of(self.codec.model, quantizer_numbered(header.quantizer))
        coder, step = Decoder(stream.read(coded)), deployed.step_at(header.quality)
        decode_latents(self.codec.sessions, coder, tile.height, tile.width, header.quality, deployed, step, extent=BASE)
        return coded.start + coder.bytes_read


def _pooled(latents: BaseLatents) -> np.ndarray:
    """Return means and mean magnitudes of the latents themselves."""
    return np.concatenate([part.mean(axis=(1, 2)) for one in latents for part in (one, np.abs(one))])


def _colour(pixels: Pixels) -> np.ndarray:
    """Return mean, deviation and mean difference of neighbours of each channel."""
    values = pixels.astype(np.float32)
    steps = np.abs(np.diff(values, axis=1)).mean(axis=(0, 1))
    return np.concatenate([values.mean(axis=(0, 1)), values.std(axis=(0, 1)), steps])


def seen(paths: Sequence[Path], quality: int, name: str, seeing: Seeing, reader: FeatureReader) -> Vectors:
    """Return vectors of all pictures; what needs no network of features is kept for when the command is given again."""
    path = CACHE / f"{shipped()}-{name}-{quality}.npz"
    if not path.exists():
        facts = [seeing.facts(read(each).pixels, quality) for each in paths]
        arrays = {f"{key}-{number}": value for number, one in enumerate(facts) for key, value in one.items()}
        write_atomically(path, lambda file: np.savez(file, **arrays))
        complain(f"machine: {name} at quality {quality}")
    with np.load(path) as kept:
        found = {kind: np.array([kept[f"{kind}-{number}"] for number in range(len(paths))]) for kind in STORED}
        found["base"] = np.array([
            _vector(reader, *(kept[f"{key}-{number}"] for key in ("y", "z", "size")), quality)
            for number in range(len(paths))
        ])  # fmt: skip
    return found


def _vector(reader: FeatureReader, y: np.ndarray, z: np.ndarray, size: np.ndarray, quality: int) -> np.ndarray:
    latents, (height, width) = BaseLatents(y.astype(np.float32), z.astype(np.float32)), map(int, size)
    return reader.of_latents(latents, quality * QUALITY_ONE, width, height).vector


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
    """Return multiply-accumulates a pixel of both ways, for a picture of this side."""
    of = count(codec.model)
    base = {step.graph for step in codec.model.schedule.through(BASE_GROUPS) if hasattr(step, "graph")}
    preview = reader.preview.weights[0].size / LATENT**2
    own = preview + reader.networks.card["macs_per_sample"] * SIDE**2 / side**2
    return {
        "base": sum(of[name] for name in base) + own,
        "pixels": of["decoder"] + LITE0_MACS / side**2,
    }


def lines(data: Path) -> Iterator[dict[str, Any]]:
    """Yield what is measured."""
    seeing = Seeing()
    reader = FeatureReader(seeing.codec)
    files = [path for path, _ in find_files([str(data / LABELLED)], readable_suffixes())]
    names = sorted({path.parent.name for path in files})
    labels = np.array([names.index(path.parent.name) for path in files])
    scenes = np.array([int(path.stem[1:]) % SCENES for path in files])
    vectors = {quality: seen(files, quality, "rsscn7", seeing, reader) for quality in QUALITIES}
    for quality in QUALITIES:
        yield {"quality": quality, "part": float(np.nanmean(vectors[quality]["part"]))}
    for kind in KINDS:
        for seed in range(SEEDS):
            start = time.process_time()
            found = dict(zip(map(str, QUALITIES), accuracies(vectors, kind, labels, scenes, seed), strict=True))
            yield {"kind": kind, "seed": seed, "accuracy": found, "seconds": time.process_time() - start}
        complain(f"machine: heads on {kind}")
    objects = [path for path, _ in find_files([str(data / OBJECTS)], readable_suffixes()) if OBJECT.match(path.stem)]
    shown = [match[1] for match in map(OBJECT.match, [path.stem for path in objects]) if match]
    for quality in RETRIEVED_AT:
        own = seen(objects, quality, "dreambooth", seeing, reader)
        for kind in KINDS:
            found = retrieved(own[kind], shown)
            yield {"kind": kind, "quality": quality, "retrieved": found, "of": len(shown), "objects": len(set(shown))}
    yield {
        "macs": macs(seeing.codec, reader, RSSCN7_SIDE),
        "bytes": len(reader.networks.pack()),
        "pictures": len(files),
    }


def run(data: Path) -> None:
    """Measure; what is kept of pictures is not made again."""
    torch.set_num_threads(1)
    keep("machine", list(lines(data)))
