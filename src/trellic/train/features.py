"""The network of features of a model, made from nothing but pictures and the teacher.

Views of pictures are made once; the network is trained on them; its weights are rounded to eight bits. Whatever is
done is kept in a folder, and skipped when the same command is given again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from trellic.files import write_atomically
from trellic.machine.network import FEATURES, FeatureNetworks
from trellic.model import Model
from trellic.networks.features import FeatureNetwork, export_features, round_weights
from trellic.quantize import Quantizer
from trellic.train.data import PixelStore
from trellic.train.feature_training import BATCH, Training, max_of, mean_of
from trellic.train.feature_views import Looking, Views, Whitening
from trellic.train.teacher import Teacher

WHITENED, LENT, LEVELLED = 1500, 256, 3000
"""How many views the teacher's end is whitened on, its channels are chosen by, and latents are levelled by."""
BINS = 5
"""Of quality."""
TEACHER = "EfficientNet-Lite0, Apache-2.0; its later blocks are what this network's began as"


class Plan(NamedTuple):
    """How much is done.

    views  at each distance
    steps  of training
    seed   of all that is random
    """

    views: Mapping[int, int]
    steps: int
    seed: int = 1


def train_features(
    model: Model,
    quantizer: Quantizer,
    paths: Sequence[Path],
    plan: Plan,
    cache: Path,
    report: Callable[[str], None],
) -> FeatureNetworks:
    """Return the network of features of a model, trained on what its quantizer emits on pictures.

    cache  a folder; what follows from these pictures and this plan is kept below it
    Raises NoPictures, or MissingLibrary where the teacher is not installed.
    """
    torch.manual_seed(plan.seed)
    teacher = Teacher().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pictures = PixelStore.of_files(list(paths), cache, report).pictures
    look = Looking(model, quantizer, teacher, pictures, plan.seed)
    folder = folder_of(cache, model, quantizer, paths, plan)
    look.whitening = _whitening(look, folder / "whitening.npz", report)
    views = {
        distance: Views.make(folder / f"views-{distance}", count, look, distance, report)
        for distance, count in plan.views.items()
    }
    network = begin(model, teacher, views[1])
    training = Training(network, views, plan.steps, plan.seed)

    def say(entry: dict[str, Any]) -> None:
        report(", ".join(f"{name} {value:.4g}" for name, value in entry.items()))

    made = training.run(folder / f"training-{plan.steps}", say)
    return finish(made, model, views, {"teacher": TEACHER, "pictures": len(pictures), "steps": plan.steps})


def folder_of(cache: Path, model: Model, quantizer: Quantizer, paths: Sequence[Path], plan: Plan) -> Path:
    """Return where views are kept: a folder of the cache that is named by all that they follow from."""
    files = [(str(path.resolve()), path.stat().st_size) for path in paths]
    facts = model.name, quantizer.name, files, sorted(plan.views.items()), plan.seed
    return cache / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _whitening(look: Looking, path: Path, report: Callable[[str], None]) -> Whitening:
    """Return what whitens the teacher's end, from a file where there is one."""
    if not path.exists():
        report(f"whitening the teacher on {WHITENED} views")
        mean, matrix = look.whiten(WHITENED, FEATURES)
        write_atomically(path, lambda file: np.savez(file, mean=mean, matrix=matrix))
    with np.load(path) as found:
        return found["mean"], found["matrix"]


def begin(model: Model, teacher: Teacher, views: Views) -> FeatureNetwork:
    """Return a network that is not trained: its blocks are the teacher's, the most important channels of them."""
    strides = {name: variable.stride for name, variable in model.schedule.variables.items()}
    part = slice(LEVELLED)
    y_rms, z_rms = (torch.from_numpy(log_rms(latents[part], views.quality[part])) for latents in (views.y, views.z))
    middles = torch.from_numpy(views.middle[:LENT].astype(np.float32))
    network = FeatureNetwork(y_rms, z_rms, middles.std(dim=(0, 2, 3)), strides["z"] // strides["y"])
    teacher.lend(network, middles)
    return network


def finish(network: FeatureNetwork, model: Model, views: Mapping[int, Views], facts: dict[str, Any]) -> FeatureNetworks:
    """Return a trained network as its file has it."""
    round_weights(network.eval())
    vectors = [vector for distance, each in views.items() for vector in _pooled(network, each, distance)]
    return export_features(network, model, np.array(vectors), facts)


@torch.no_grad()
def _pooled(network: FeatureNetwork, views: Views, distance: int) -> npt.NDArray[np.float32]:
    """Return means and maxima of the maps of views."""
    found = []
    for start in range(0, min(len(views.quality), LEVELLED), BATCH):
        part = slice(start, start + BATCH)
        y, z = (torch.from_numpy(each[part].astype(np.float32)) for each in (views.y, views.z))
        maps = network(y, z, torch.from_numpy(views.quality[part]).view(-1, 1, 1, 1), distance)
        found.append(torch.cat([mean_of(maps), max_of(maps)], dim=1).numpy())
    return np.concatenate(found)


def log_rms(latents: npt.NDArray[Any], quality: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the natural logarithm of each channel's rms, affine in quality, (2, C), of latents (N, C, H, W)."""
    logs, at = [], []
    for part in np.array_split(np.argsort(quality), min(BINS, len(quality))):
        squares = np.square(latents[np.sort(part)].astype(np.float32)).mean(axis=(0, 2, 3))
        logs.append(np.log(np.maximum(squares, 1e-6)) / 2)
        at.append(quality[part].mean())
    slope, base = np.polyfit(at, np.array(logs), 1)
    return np.stack([base, slope]).astype(np.float32)
