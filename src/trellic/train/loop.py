"""The training loop; a task says what is trained by which loss."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trellic.errors import NotBetter
from trellic.networks.learned import LearnedCodec
from trellic.train.checkpoint import Average, restore, save, save_part, state_for_all
from trellic.train.config import TrainConfig
from trellic.train.devices import autocast
from trellic.train.interruptions import held_back
from trellic.train.optimizer import optimizer_of, rate_factor, set_rate
from trellic.train.processes import average_gradients, from_first, rank, start_processes

Report = Callable[[dict[str, Any]], None]
LOG_EVERY = 50
LARGEST_NORM = 1.0
MOST_LOST = 20
"""Steps in a row whose gradients are not finite: there is no way back."""


class Task(Protocol):
    """What is trained: of `codec`, the weights that need a gradient, on its device."""

    codec: LearnedCodec
    device: torch.device
    before: dict[str, Any]
    """What validation says of the codec before it is trained."""

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""

    def loss(self) -> Tensor:
        """Return the loss of a new batch."""

    def validate(self, codec: LearnedCodec) -> dict[str, Any]:
        """Return the measures of a model on the validation pictures, `cost` among them."""

    def state(self) -> dict[str, Any]:
        """Return what the checkpoint holds of the task beside the codec and its optimizer."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""


class Trainer:
    """A run in its folder: log, checkpoint, and how far it is. Only the first process writes."""

    def __init__(self, config: TrainConfig, task: Task, folder: Path, report: Report) -> None:
        self.config, self.task, self.folder, self.report = config, task, folder, report
        self.first = start_processes()
        folder.mkdir(parents=True, exist_ok=True)
        self.average = Average(task.codec, config.average)
        self.optimizer = optimizer_of(task.codec, config)
        self.step, self.elapsed, self.lost = 0, 0.0, 0
        if state := state_for_all(folder):
            restore(state, task.codec, self.average, self.optimizer)
            task.restore(state.get("task", {}))
            self.step, self.elapsed = state["step"], state["elapsed"]
        elif config.branch:
            restore(state_for_all(Path(config.branch)), task.codec, self.average, self.optimizer)

    @property
    def progress(self) -> float:
        """How far the run is, from 0 to 1."""
        return self.step / self.config.steps if self.config.steps else self.elapsed / (60 * self.config.minutes)

    def note(self, **entry: Any) -> None:
        """Report and log an entry."""
        entry = {"step": self.step, "seconds": round(self.elapsed, 1), **entry}
        if self.first:
            self.report(entry)
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")

    def validate(self, **entry: Any) -> None:
        """Log what validation says of the average."""
        self.note(validation=self.task.validate(self.average.model), optimizer=self.config.optimizer, **entry)

    def save(self) -> None:
        """Write the checkpoint."""
        if self.first:
            facts = {"step": self.step, "elapsed": self.elapsed, "task": self.task.state()}
            save(self.folder, self.task.codec, self.average, self.optimizer, facts)
        else:
            save_part(self.folder, self.optimizer)

    def advance(self) -> dict[str, float]:
        """Take one optimizer step; return its numbers. Raises NotBetter where gradients are not finite for long."""
        codec, factor = self.task.codec, rate_factor(
            self.config.schedule, self.progress, self.step, self.config.warmup
        )  # fmt: skip
        with autocast(self.task.device, self.config.precision):
            loss = self.task.loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(codec)
        norm = float(nn.utils.clip_grad_norm_(codec.parameters(), LARGEST_NORM))
        self.lost = 0 if math.isfinite(norm) else self.lost + 1
        if self.lost == MOST_LOST:
            since = self.step - self.lost
            raise NotBetter(f"gradients are not finite from step {since} on; a lower learning_rate may help")
        if math.isfinite(norm):
            set_rate(self.optimizer, factor)
            self.optimizer.step()
            self.average.update(codec, self.step)
        self.step += 1
        return {"loss": loss.item(), "norm": norm, "factor": factor}


def train(config: TrainConfig, task: Task, folder: Path, report: Report) -> LearnedCodec:
    """Train, or go on training, a task's codec in a folder; return the averaged weights.

    Writes `log.jsonl` (a line each 50 steps and each validation) and `checkpoint.pt` (all that resuming needs). Under
    torchrun the processes share the batch. What a step draws depends on the seed, the process and the step at which
    the run was last resumed, and on nothing else.
    """
    run = Trainer(config, task, folder, report)
    seed = config.seed * 1_000_003 + run.step * 101 + rank()
    torch.manual_seed(seed)
    task.begin(seed)
    if not run.step:
        run.note(validation=task.validate(run.average.model) if config.branch else task.before)
    task.codec.train()
    losses: list[float] = []
    validated = run.elapsed
    clock = time.monotonic()
    try:
        while run.progress < 1.0:
            numbers = run.advance()
            losses.append(numbers["loss"])
            now = time.monotonic()
            run.elapsed, clock = from_first(run.elapsed + now - clock), now
            if run.step % LOG_EVERY == 0:
                run.note(progress=run.progress, **{**numbers, "loss": sum(losses) / len(losses)})
                losses.clear()
            if run.elapsed - validated >= config.validate_every:
                validated = run.elapsed
                run.validate()
                run.save()
                clock = time.monotonic()
    finally:
        with held_back():
            run.save()
    run.validate(done=True)
    return run.average.model
