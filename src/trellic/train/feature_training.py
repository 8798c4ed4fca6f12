"""Train the network of features: from latents it is to see what the teacher sees in the picture.

Its map is compared with the teacher's at every position, its pooled map picture by picture, and how alike the pictures
of a batch are pair by pair. At first the stem learns alone, from the teacher's middle.
Sources: knowledge distillation (Hinton et al., 2015), its relations (Park et al., 2019), and patience (Beyer et al.,
2022); inference from latents (Torfason et al., 2018).
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.features import FeatureNetwork
from trellic.train.checkpoint import Average, restore, save, state_for_all
from trellic.train.feature_views import Views

BATCH = 16
STEM_RATE, RATES, WARMUP = 4e-3, {"blocks": 1.5e-4, "head": 2e-3, "": 1e-3}, 50
"""Learning rates of AdamW: of the stem alone; then, at their peaks, of the blocks that the teacher lends, which are
already good, of the head, and of the stem. Steps in which they rise."""
STEM_ALONE = 0.27
"""The part of all steps in which the stem alone learns: the teacher's blocks are of no use before."""
DECAY = 0.02
HALF_LIFE = 150
"""Of the average of weights, in steps."""
MIDDLE_UNTIL = 0.7
"""Up to what part of all steps the middle is compared."""
POOLED, RELATED = 0.5, 2.0
"""Weights of what is compared picture by picture, and pair by pair."""
EVERY = 100
"""Steps from one checkpoint to the next."""


class Terms(NamedTuple):
    """The terms of the loss."""

    map: Tensor
    pooled: Tensor
    related: Tensor
    middle: Tensor

    def loss(self, middle: float) -> Tensor:
        """Return their weighted sum, given the weight of the middle."""
        return self.map + POOLED * self.pooled + RELATED * self.related + middle * self.middle


class Training:
    """A network in training, its average, and where it stands."""

    def __init__(self, network: FeatureNetwork, views: Mapping[int, Views], steps: int, seed: int) -> None:
        """Train on views by their distance."""
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = Average(self.network, HALF_LIFE)
        self.views, self.steps, self.step = views, steps, 0
        self.seed = seed
        parts: dict[str, list[tuple[str, nn.Parameter]]] = {part: [] for part in RATES}
        for name, weight in network.named_parameters():
            parts[next(part for part in RATES if name.startswith(part))].append((name, weight))
        groups = [{"params": weights, "peak": RATES[part]} for part, weights in parts.items()]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
        self.middle_variance = {
            distance: float(np.var(each.middle[:BATCH].astype(np.float32))) for distance, each in views.items()
        }

    def run(self, folder: Path, report: Callable[[dict[str, Any]], None]) -> FeatureNetwork:
        """Train, from a folder's checkpoint where there is one, and return the average."""
        if state := state_for_all(folder):
            restore(state, self.network, self.average, self.optimizer)
            self.step = state["step"]
        while self.step < self.steps:
            terms = self._step()
            if self.step % EVERY == 0 or self.step == self.steps:
                save(folder, self.network, self.average, self.optimizer, {"step": self.step})
                report({"step": self.step, **{name: float(value) for name, value in terms._asdict().items()}})
        return self.average.model.requires_grad_(False)

    def _step(self) -> Terms:
        progress = self.step / self.steps
        stem_alone = progress < STEM_ALONE
        begun = 0.0 if stem_alone else STEM_ALONE
        level = 0.5 * (1 + math.cos(math.pi * (progress - begun) / (1 - begun)))
        level *= min(1.0, (self.step + 1 - begun * self.steps) / WARMUP)
        for group in self.optimizer.param_groups:
            group["lr"] = level * (STEM_RATE if stem_alone else group["peak"])
        random = np.random.default_rng((self.seed, self.step))
        distance = int(random.choice(list(self.views)))
        terms = self.terms(self.network, distance, random, stem_alone)
        middle = max(0.0, 1 - progress / MIDDLE_UNTIL)
        loss = terms.middle if stem_alone else terms.loss(middle)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.network, self.step)
        self.step += 1
        return Terms(*(term.detach() for term in terms))

    def terms(
        self, network: FeatureNetwork, distance: int, random: np.random.Generator, stem_alone: bool = False
    ) -> Terms:
        """Return the terms of the loss on random views; zeros but for the middle where the stem learns alone."""
        views = self.views[distance]
        chosen = np.sort(random.choice(len(views.quality), min(BATCH, len(views.quality)), replace=False))
        y, z, wanted, middle = (
            torch.from_numpy(each[chosen].astype(np.float32)).contiguous(memory_format=torch.channels_last)
            for each in (views.y, views.z, views.end, views.middle)
        )
        quality = torch.from_numpy(views.quality[chosen]).view(-1, 1, 1, 1)
        own_middle = network.middle(y, z, quality, distance)
        of_middle = F.mse_loss(own_middle, middle) / self.middle_variance[distance]
        if stem_alone:
            nothing = torch.zeros((), device=own_middle.device)
            return Terms(nothing, nothing, nothing, of_middle)
        found = network.end(own_middle)
        pooled = [(part(found), part(wanted)) for part in (mean_of, max_of)]
        return Terms(
            F.mse_loss(found, wanted),
            torch.stack([(1 - F.cosine_similarity(one, other)).mean() for one, other in pooled]).mean(),
            torch.stack([F.mse_loss(likeness(one), likeness(other)) for one, other in pooled]).mean(),
            of_middle,
        )


def mean_of(maps: Tensor) -> Tensor:
    """Return the means over positions, (N, C), of maps (N, C, H, W)."""
    return maps.mean(dim=(2, 3))


def max_of(maps: Tensor) -> Tensor:
    """Return the maxima over positions, (N, C), of maps (N, C, H, W)."""
    return maps.amax(dim=(2, 3))


def likeness(vectors: Tensor) -> Tensor:
    """Return the cosines of all pairs of vectors about their mean, (N, N)."""
    apart = F.normalize(vectors - vectors.mean(dim=0))
    return apart @ apart.T
