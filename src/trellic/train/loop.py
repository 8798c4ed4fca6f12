"""The one training loop: what is trained, and by what loss, is a task."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trellic.files import write_atomically
from trellic.networks.retrainable import Retrainable
from trellic.train.config import TrainConfig
from trellic.train.optimizer import adam, set_rate
from trellic.train.processes import average_gradients, rank, shared, start_processes

Report = Callable[[dict[str, Any]], None]
LOG_EVERY = 50


class Task(Protocol):
    """What is trained: of `model`, the weights that want a gradient."""

    model: Retrainable

    def begin(self, seed: int) -> None:
        """Start drawing batches by a seed."""

    def loss(self, progress: float) -> Tensor:
        """Return the loss of a new batch; progress runs from 0 to 1."""

    def judge(self, model: Retrainable) -> dict[str, Any]:
        """Return what the held-out pictures say of a model, `cost` among it."""


class Average:
    """Exponential average of a model's weights, short at first, `half_life` steps in the end."""

    def __init__(self, model: Retrainable, half_life: int) -> None:
        self.model = copy.deepcopy(model)
        self.keep = 0.5 ** (1 / half_life)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards the model."""
        keep = min(self.keep, (1 + step) / (10 + step))
        for mean, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            if weight.requires_grad:
                mean.lerp_(weight, 1 - keep)


def learning_factor(progress: float, step: int, warmup: int) -> float:
    """Return the share of the peak learning rate: a linear rise, level to 30 % of the way, then a cosine to zero."""
    rise = min(1.0, (step + 1) / warmup)
    fall = 0.5 * (1 + math.cos(math.pi * max(0.0, progress - 0.3) / 0.7))
    return rise * fall


def computes_in_bfloat16() -> bool:
    """Return whether this processor does: where it does not, half the bits take longer than all of them."""
    return any(value for name, value in torch.cpu.get_capabilities().items() if name.endswith("bf16"))


def train(config: TrainConfig, task: Task, out: Path, report: Report) -> Retrainable:
    """Train, or go on training, a task's model in folder `out`; return the averaged weights.

    Writes `log.jsonl` (a line each 50 steps and each judgement) and `checkpoint.pt` (all that resuming needs).
    Under torchrun the processes share the batch; the first one writes.
    """
    first = start_processes()
    out.mkdir(parents=True, exist_ok=True)
    model = task.model
    average = Average(model, config.average)
    optimizer = adam(model, config.learning_rate)
    step, elapsed = 0, 0.0
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        average.model.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, elapsed = state["step"], state["elapsed"]

    def note(entry: dict[str, Any]) -> None:
        if first:
            report(entry)
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")

    def save() -> None:
        if first:
            parts = {"model": model, "average": average.model, "optimizer": optimizer}
            state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
            write_atomically(checkpoint, lambda file: torch.save({**state, "step": step, "elapsed": elapsed}, file))

    def progress() -> float:
        return step / config.steps if config.steps else elapsed / (60 * config.minutes)

    halves = config.bfloat16 and computes_in_bfloat16()
    seed = config.seed * 1_000_003 + step * 101 + rank()
    torch.manual_seed(seed)
    task.begin(seed)
    model.train()
    losses: list[float] = []
    judged = elapsed
    clock = time.monotonic()
    try:
        while progress() < 1.0:
            with torch.autocast("cpu", torch.bfloat16, enabled=halves):
                loss = task.loss(progress())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            average_gradients(model)
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), 1.0))
            factor = learning_factor(progress(), step, config.warmup)
            if math.isfinite(norm):
                set_rate(optimizer, factor)
                optimizer.step()
                average.update(model, step)
            step += 1
            now = time.monotonic()
            elapsed, clock = shared(elapsed + now - clock), now
            losses.append(loss.item())
            if step % LOG_EVERY == 0:
                note({"step": step, "seconds": elapsed, "progress": progress(), "loss": sum(losses) / len(losses),
                      "norm": norm, "factor": factor})  # fmt: skip
                losses.clear()
            if elapsed - judged >= config.judge_every:
                judged = elapsed
                note({"step": step, "seconds": elapsed, "held_out": task.judge(average.model)})
                save()
                clock = time.monotonic()
    finally:
        save()
    note({"step": step, "seconds": elapsed, "held_out": task.judge(average.model), "done": True})
    return average.model
