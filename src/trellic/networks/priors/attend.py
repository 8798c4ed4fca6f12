"""Neighbourhood attention in the entropy path: integers throughout, the same on every processor.

Queries and keys are integers within ±127, values within ±255. A score is the product of query and key over 512,
rounded, plus a bias of head and offset. A key's weight is max(0, 32 + score - the largest score)². All sums are
integers below 2²⁴; the weighted mean is one division of two of them, rounded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import Plus, full_precision, pointwise
from trellic.networks.near import Heads, around
from trellic.networks.options import Attend

QUERY_LEVELS, VALUE_LEVELS = 127.0, 255.0
UNIT = 32.0
"""Integers that a feature of 1 is."""
SCORE_UNIT, WIDTH = 512.0, 32.0
OUTSIDE = -4096.0
"""The score of what is not in the picture."""


def _rounded(values: Tensor) -> Tensor:
    """Return integers, with the gradient of the identity."""
    return values + (values.round() - values).detach() if values.requires_grad else values.round()


def _integers(values: Tensor, levels: float) -> Tensor:
    return _rounded((values * UNIT).clamp(-levels, levels))


class Attended(Heads):
    """Features (N, C, h, w) → the same, with what is found around each position; nothing at the start."""

    def __init__(self, channels: int, option: Attend) -> None:
        super().__init__(channels, option.inner, option.heads)
        self.last = pointwise(option.inner, channels)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)
        self.sum = Plus(channels)

    def forward(self, features: Tensor) -> Tensor:
        with full_precision(features):
            found = self._found(features.float())
        summed: Tensor = self.sum(features, self.last(found))
        return summed

    def _found(self, features: Tensor) -> Tensor:
        queries, keys = (_integers(layer(features), QUERY_LEVELS) for layer in (self.queries, self.keys))
        values = _integers(self.values(features), VALUE_LEVELS)
        inside, spread = F.conv2d(keys * 0, self.heads[:1]) + 1, self.heads.transpose(0, 1)
        scores = [
            _rounded(F.conv2d(queries * key, self.heads) / SCORE_UNIT) + _rounded(bias * UNIT) + (1 - there) * OUTSIDE
            for key, there, bias in zip(around(keys), around(inside), self.bias, strict=True)
        ]
        largest = scores[0]
        for score in scores[1:]:
            largest = torch.maximum(largest, score)
        total, found = torch.zeros_like(self.bias[0]), torch.zeros_like(self.bias[0, :1])
        for score, value in zip(scores, around(values), strict=True):
            weight = (score - largest + WIDTH).relu()
            weight = weight * weight
            total = weight + total
            found = F.conv2d(weight, spread) * value + found
        return _rounded(found / F.conv2d(total, spread)) / UNIT
