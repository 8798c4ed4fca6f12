"""One cell: a design trained for minutes of CPU time from classical transforms and a prior that knows their latents."""

import time
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.designs.cells import STARTS, Cell
from experiments.designs.latents import laplacian
from experiments.designs.priors import Latents, PriorTask
from trellic.files import write_atomically
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.learned import LearnedCodec
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.train.config import TrainConfig
from trellic.train.crops import Crops
from trellic.train.data import PixelStore, centres, list_pictures
from trellic.train.loop import Trainer
from trellic.train.start import FITTED_CROPS
from trellic.train.terms import CodedBatch, loss_of
from trellic.train.validate import validate

CROP, BATCH, LEARNING_RATE, WARMUP, AVERAGE = 128, 4, 2e-3, 40, 40
SIDE, EVERY = 256, 2
"""Of validation pictures: their middle, of every second one."""
MILESTONE = 500
"""Steps after which designs are compared too, where all come so far."""
CPU = torch.device("cpu")


class Pictures:
    """What all cells train on and are validated on."""

    def __init__(self, data: Path, cache: Path) -> None:
        self.store = PixelStore.of_files(list_pictures([str(data / "train" / "cid22")]), cache)
        self.validation = centres(list_pictures([str(data / "valid" / "cid22")])[::EVERY], SIDE, CPU)

    @cached_property
    def latents(self) -> Latents:
        """The cached latents that priors are trained on."""
        return Latents(self.crops(0), self.validation)

    def crops(self, seed: int) -> Crops:
        """Return what draws crops by a seed."""
        return Crops(self.store, None, config_of(Design(), 1.0, seed).mix, CROP, seed)


class CellTask:
    """The task of a cell: the whole codec, or its prior alone, by rounding."""

    def __init__(self, codec: TrainableCodec, cell: Cell, pictures: Pictures) -> None:
        self.codec, self.cell, self.pictures, self.device = codec, cell, pictures, CPU
        self.before: dict[str, Any] = {}

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""
        self.crops = self.pictures.crops(seed)

    def loss(self) -> Tensor:
        """Return the loss of a new batch."""
        pictures, quality = self.crops.draw(BATCH, CPU)
        quality = self.cell.least_quality + (1 - self.cell.least_quality) * quality
        coded = self.codec(pictures, quality, NoisyRounding())
        bits = torch.stack(list(coded.bits.values())).sum(dim=0)
        return loss_of(CodedBatch(pictures, quality.flatten(), bits, coded.pictures, 1.0), ("rate", "distortion"))

    def validate(self, codec: LearnedCodec) -> dict[str, Any]:
        """Return rate, distortion and cost of the validation pictures."""
        return validate(codec, self.pictures.validation, lambda _: Rounding(), self.cell.qualities)


def config_of(design: Design, minutes: float, seed: int) -> TrainConfig:
    """Return how cells train; `minutes` are of CPU time."""
    return TrainConfig(
        (), (), minutes=minutes, batch=BATCH, crop=CROP, learning_rate=LEARNING_RATE, warmup=WARMUP, average=AVERAGE,
        seed=seed, design=design,
    )  # fmt: skip


def start_of(cell: Cell, pictures: Pictures, folder: Path) -> dict[str, Tensor]:
    """Return the weights that a comparison begins with: classical transforms, and a prior trained on their latents."""
    path = folder / f"start-{cell.start}.pt"
    if not path.exists():
        torch.manual_seed(0)
        codec = TrainableCodec(cell.bare)
        sample, _ = pictures.crops(0).draw(FITTED_CROPS, CPU)
        codec.family.fit_to(sample, codec.analysis, codec.synthesis)
        for name, weight in codec.named_parameters():
            weight.requires_grad_(name.startswith("prior."))
        made = _trained(CellTask(codec, cell, pictures), STARTS[cell.start], 0, folder / f"start-{cell.start}", {})
        write_atomically(path, lambda file: torch.save(made.average.model.state_dict(), file))
    return dict(torch.load(path, weights_only=True))


def measure(cell: Cell, seed: int, pictures: Pictures, folder: Path) -> dict[str, Any]:
    """Train a cell and return what it came to."""
    start = {} if cell.comparison == "priors" else start_of(cell, pictures, folder)
    torch.manual_seed(seed)
    codec = TrainableCodec(cell.design)
    codec.load_state_dict({**codec.state_dict(), **start})
    task, costs = task_of(cell, codec, pictures), dict[int, float]()
    made = _trained(task, cell.minutes, seed, folder / f"{cell.comparison}-{cell.option}-{seed}", costs)
    return {
        "comparison": cell.comparison,
        "option": cell.option,
        "seed": seed,
        "minutes": cell.minutes,
        "steps": made.step,
        "parameters": sum(weight.numel() for weight in codec.parameters()),
        "at_steps": costs,
        **task.validate(made.average.model),
        **({} if cell.comparison == "priors" else laplacian(made.average.model, pictures.validation)),
    }


def task_of(cell: Cell, codec: TrainableCodec, pictures: Pictures) -> CellTask | PriorTask:
    """Return what trains and validates a cell."""
    return PriorTask(codec, pictures.latents) if cell.comparison == "priors" else CellTask(codec, cell, pictures)


def _trained(task: CellTask | PriorTask, minutes: float, seed: int, folder: Path, costs: dict[int, float]) -> Trainer:
    """Train by the clock of this process's CPU time. Fills in the validation cost after so many steps."""
    run = Trainer(config_of(task.codec.design, minutes, seed), task, folder, lambda entry: None)
    torch.manual_seed(seed)
    task.begin(seed)
    task.codec.train()
    while run.progress < 1:
        began = time.process_time()
        run.advance()
        run.elapsed += time.process_time() - began
        if run.step == MILESTONE:
            costs[run.step] = task.validate(run.average.model)["cost"]
    return run
