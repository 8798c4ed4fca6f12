"""The one training loop: pretraining here, retraining and adaptation by other losses and other frozen parts."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trellic.files import write_atomically
from trellic.model.file import ModelFile
from trellic.networks.codec import TrainableCodec, distortion
from trellic.networks.gains import rate_weight
from trellic.networks.transforms import fit_to
from trellic.train.config import TrainConfig
from trellic.train.data import Pixels
from trellic.train.judge import judge
from trellic.train.load import load
from trellic.train.optimizer import adam, set_rate
from trellic.train.processes import average_gradients, rank, shared, start_processes, world

Report = Callable[[dict[str, Any]], None]
LOG_EVERY = 50


def loss_of(model: TrainableCodec, pictures: Tensor, quality: Tensor) -> Tensor:
    """Return the mean over pictures of (bpp + λ·MSE)/√λ: so weighted, high rates do not drown low ones."""
    coded = model(pictures, quality)
    bpp = (coded.latent_bits + coded.side_bits) / pictures[0, 0].numel()
    weight = rate_weight(quality.flatten())
    middle = float(rate_weight(torch.tensor(0.5)))
    return ((bpp + weight * distortion(coded.pictures, pictures)) * (middle / weight).sqrt()).mean()


def initial_model(config: TrainConfig, pixels: Pixels) -> TrainableCodec:
    """Return the model to start from: an exported one, or classical transforms scaled to the training pictures."""
    torch.manual_seed(config.seed)
    if config.start:
        model = load(ModelFile.read(Path(config.start)))
    else:
        model = TrainableCodec(config.design)
        sample = next(pixels.batches(16, config.crop, seed=config.seed))
        model.gains.fit_to(fit_to(sample, config.design, model.analysis, model.synthesis))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class Average:
    """Exponential average of a model's weights, short at first, `half_life` steps in the end."""

    def __init__(self, model: TrainableCodec, half_life: int) -> None:
        self.model = copy.deepcopy(model)
        self.keep = 0.5 ** (1 / half_life)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards the model."""
        keep = min(self.keep, (1 + step) / (10 + step))
        for mean, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            mean.lerp_(weight, 1 - keep)


def learning_factor(progress: float, step: int, warmup: int) -> float:
    """Return the share of the peak learning rate: a linear rise, level to 30 % of the way, then a cosine to zero."""
    rise = min(1.0, (step + 1) / warmup)
    fall = 0.5 * (1 + math.cos(math.pi * max(0.0, progress - 0.3) / 0.7))
    return rise * fall


def train(config: TrainConfig, pixels: Pixels, held_out: Tensor, out: Path, report: Report) -> TrainableCodec:
    """Train, or go on training, the model in folder `out`; return the averaged weights.

    Writes `log.jsonl` (a line each 50 steps and each judgement) and `checkpoint.pt` (all that resuming needs).
    Under torchrun the processes share the batch; the first one writes. held_out is float32 (N, 3, H, W) in [0, 1].
    """
    first = start_processes()
    model = initial_model(config, pixels)
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

    seed = config.seed * 1_000_003 + step * 101 + rank()
    torch.manual_seed(seed)
    share = max(1, config.batch // world())
    early = pixels.batches(share, config.crop, seed)
    late = pixels.batches(share, config.late_crop or config.crop, seed + 50)
    model.train()
    losses: list[float] = []
    judged = elapsed
    clock = time.monotonic()
    try:
        while progress() < 1.0:
            pictures = next(early if progress() < 0.5 else late).contiguous(memory_format=torch.channels_last)
            loss = loss_of(model, pictures, torch.rand(len(pictures), 1, 1, 1))
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
                note({"step": step, "seconds": elapsed, "held_out": judge(average.model, held_out)})
                save()
                clock = time.monotonic()
    finally:
        save()
    note({"step": step, "seconds": elapsed, "held_out": judge(average.model, held_out), "done": True})
    return average.model
