"""One cell: a design trained for minutes of CPU time from classical transforms and a prior that knows their latents."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments.designs.cells import SHIPPED, STARTS, Cell, Phase
from experiments.designs.compaction import compaction, compaction_weight
from experiments.designs.latents import latents_of
from experiments.designs.priors import Latents, PriorTask
from trellic.files import write_atomically
from trellic.model import DEFAULT, Model, find_model
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design
from trellic.networks.learned import Coder, LearnedCodec
from trellic.networks.load import grow, load
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.train.config import TrainConfig
from trellic.train.crops import Crops
from trellic.train.data import PixelStore, centres, list_pictures
from trellic.train.loop import Trainer
from trellic.train.start import FITTED_CROPS
from trellic.train.terms import CodedBatch, loss_of, loss_weight
from trellic.train.validate import validate

CROP, BATCH, WARMUP, AVERAGE = 128, 4, 40, 40
LEARNING_RATE, LOW_RATE = 2e-3, 2e-4
"""Of networks that begin as classical transforms or know nothing, and of those that are trained already."""
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
    """The task of a cell, by rounding: the whole codec, or one part of it where its phase says so."""

    def __init__(self, codec: TrainableCodec, cell: Cell, pictures: Pictures, phase: Phase | None = None) -> None:
        self.codec, self.cell, self.pictures, self.device = codec, cell, pictures, CPU
        self.before: dict[str, Any] = {}
        self.terms: tuple[str, ...] = ("rate", "distortion")
        self.coder: Coder = NoisyRounding()
        self.progress = 0.0
        if phase:
            self.terms = ("rate",) if phase.part == "entropy" else ("distortion",)
            self.coder = NoisyRounding() if phase.part == "entropy" else Rounding()
            for name, weight in codec.named_parameters():
                weight.requires_grad_(name.startswith(codec.parts[phase.part]))

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""
        self.crops = self.pictures.crops(seed)

    def loss(self) -> Tensor:
        """Return the loss of a new batch."""
        pictures, drawn = self.crops.draw(BATCH, CPU)
        quality = self.cell.least_quality + (1 - self.cell.least_quality) * drawn
        targets = self.codec.encode(pictures, quality)
        decoded = self.codec.code(targets, quality, self.coder)
        bits = torch.stack(list(decoded.bits.values())).sum(dim=0)
        wanted = self.codec.decode(decoded.values, quality) if "distortion" in self.terms else None
        loss = loss_of(CodedBatch(pictures, quality.flatten(), bits, wanted, 1.0), self.terms)
        if weight := self.cell.compaction * compaction_weight(self.progress):
            spread = compaction(targets["y"], pictures[0, 0].numel())
            loss = loss + weight * (spread * loss_weight(quality.flatten())).mean()
        return loss

    def validate(self, codec: LearnedCodec) -> dict[str, Any]:
        """Return rate, distortion and cost of the validation pictures."""
        return validate(codec, self.pictures.validation, lambda _: Rounding(), self.cell.qualities)


def config_of(design: Design, minutes: float, seed: int, rate: float = LEARNING_RATE) -> TrainConfig:
    """Return how cells train; `minutes` are of CPU time."""
    return TrainConfig(
        (), (), minutes=minutes, batch=BATCH, crop=CROP, learning_rate=rate, warmup=WARMUP, average=AVERAGE,
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
        task, name = CellTask(codec, cell, pictures), f"start-{cell.start}"
        made = _trained(task, STARTS[cell.start], 0, folder / name, {}, LEARNING_RATE)
        write_atomically(path, lambda file: torch.save(made.average.model.state_dict(), file))
    return dict(torch.load(path, weights_only=True))


def beginning(cell: Cell, pictures: Pictures, folder: Path) -> TrainableCodec:
    """Return the codec that a cell begins with."""
    if cell.start == SHIPPED:
        return grow(load(Model.read(find_model(DEFAULT))), cell.design)
    if not cell.start:
        return TrainableCodec(cell.design)
    codec = TrainableCodec(replace(cell.design, prior=cell.bare.prior))
    codec.load_state_dict({**codec.state_dict(), **start_of(cell, pictures, folder)})
    return grow(codec, cell.design)


def measure(cell: Cell, seed: int, pictures: Pictures, folder: Path) -> dict[str, Any]:
    """Train a cell and return what it came to."""
    torch.manual_seed(seed)
    codec = beginning(cell, pictures, folder)
    name, costs = f"{cell.comparison}-{cell.option}-{seed}", dict[int, float]()
    task = PriorTask(codec, pictures.latents) if cell.of_prior else CellTask(codec, cell, pictures)
    rate = LOW_RATE if cell.start == SHIPPED else LEARNING_RATE
    made = _trained(task, cell.minutes, seed, folder / name, costs, rate)
    codec = made.average.model
    found = task.validate(codec)
    return {
        "comparison": cell.comparison,
        "option": cell.option,
        "seed": seed,
        "minutes": cell.minutes,
        "steps": made.step,
        "parameters": sum(weight.numel() for weight in codec.parameters()),
        "at_steps": costs,
        **found,
        **({} if cell.of_prior else latents_of(codec, pictures.validation)),
        "then": list(_phases(cell, codec, found["cost"], seed, pictures, folder / name)),
    }


def _phases(
    cell: Cell, codec: TrainableCodec, cost: float, seed: int, pictures: Pictures, folder: Path
) -> Iterator[dict[str, Any]]:
    """Train what follows, and yield what each phase came to; one that does not lower the cost is taken back."""
    for number, phase in enumerate(cell.then):
        transform = replace(cell.design.transform, **({"denoiser": phase.denoiser} if phase.denoiser else {}))
        grown = grow(codec, replace(cell.design, transform=transform))
        task = CellTask(grown, cell, pictures, phase)
        made = _trained(task, phase.minutes, seed, folder.with_name(f"{folder.name}-{number}"), {}, LOW_RATE)
        found = task.validate(made.average.model)
        yield {"part": phase.part, "minutes": phase.minutes, "steps": made.step, **found}
        if found["cost"] < cost:
            codec, cost = made.average.model, found["cost"]


def _trained(
    task: CellTask | PriorTask, minutes: float, seed: int, folder: Path, costs: dict[int, float], rate: float
) -> Trainer:
    """Train by the clock of this process's CPU time. Fills in the validation cost after so many steps."""
    run = Trainer(config_of(task.codec.design, minutes, seed, rate), task, folder, lambda entry: None)
    torch.manual_seed(seed)
    task.begin(seed)
    task.codec.train()
    while run.progress < 1:
        began = time.process_time()
        task.progress = run.progress
        run.advance()
        run.elapsed += time.process_time() - began
        if run.step == MILESTONE:
            costs[run.step] = task.validate(run.average.model)["cost"]
    return run
