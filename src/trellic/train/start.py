"""Starting points of a run: classical transforms, a model file, or the single-precision weights of another run."""

import json
from pathlib import Path
from typing import NamedTuple

import torch

from trellic.errors import BadConfig
from trellic.model import Model
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.load import grow, load
from trellic.train.checkpoint import read_state
from trellic.train.config import TrainConfig
from trellic.train.crops import Crops
from trellic.train.data import PixelStore

CONFIG, MODEL = "config.json", "model.trm"
FITTED_CROPS = 16
"""How many crops classical transforms are scaled to."""


class LoadedRun(NamedTuple):
    """A run's configuration, its averaged codec in single precision, and how far it came."""

    config: TrainConfig
    codec: TrainableCodec
    step: int
    seconds: float


def load_run(folder: Path) -> LoadedRun:
    """Return the run of a folder. Raises BadConfig."""
    try:
        config = TrainConfig.from_values(json.loads((folder / CONFIG).read_text()))
        state = read_state(folder)
        codec = TrainableCodec(config.design)
        codec.load_state_dict(state["average"])
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadConfig(f"{folder}: not a training run ({error})") from error
    return LoadedRun(config, codec, state["step"], state["elapsed"])


def starting_codec(config: TrainConfig, pictures: PixelStore) -> TrainableCodec:
    """Return the codec that a run begins with, of the configuration's design. Raises BadConfig, DamagedModel."""
    torch.manual_seed(config.seed)
    if not config.start:
        codec = TrainableCodec(config.design)
        crops = Crops(pictures, None, config.mix, config.crop, config.seed)
        sample, _ = crops.draw(FITTED_CROPS, torch.device("cpu"))
        codec.family.fit_to(sample, codec.analysis, codec.synthesis)
    else:
        start = Path(config.start)
        before = load_run(start).codec if start.is_dir() else load(Model.read(start))
        if not config.design.grows_from(before.design):
            raise BadConfig(f"{start}: a model of another design, from which this one does not grow")
        codec = grow(before, config.design)
    return codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def design_of(start: Path) -> Design:
    """Return the design of a model file, or of a run's folder."""
    if start.is_dir():
        return TrainConfig.from_values(json.loads((start / CONFIG).read_text())).design
    return Design.from_json(Model.read(start).card["design"])


def starting_model(config: TrainConfig) -> Model | None:
    """Return the model whose quantizers a run trains with: `tuned`, else the one that it starts from, or None."""
    path = Path(config.tuned or config.start)
    if not (config.tuned or config.start):
        return None
    if not path.is_dir():
        return Model.read(path)
    if (path / MODEL).exists():
        return Model.read(path / MODEL)
    return starting_model(load_run(path).config)
