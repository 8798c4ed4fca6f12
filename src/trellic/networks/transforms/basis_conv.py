"""A strided convolution, or its transpose, that starts from a fixed basis."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trellic.networks.blocks import full_precision


class BasisConv(nn.Module):
    """A convolution with a learned scale for each basis function; overlapping filters reach half the overlap around.

    folded  whether the scales are multiplied into the weights, as in an exported model
    """

    def __init__(self, basis: np.ndarray, stride: int, transposed: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(basis, dtype=torch.float32))
        self.scale = nn.Parameter(torch.ones(len(basis)))
        self.bias = nn.Parameter(torch.zeros(basis.shape[1] if transposed else len(basis)))
        self.stride = stride
        self.transposed = transposed
        self.folded = False

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply the scales into the weights."""
        self.weight.mul_(self.scale[:, None, None, None])
        self.folded = True

    @torch.no_grad()
    def unfold(self) -> None:
        """Undo `fold`, so that weights and scales can be trained."""
        self.weight.div_(self.scale[:, None, None, None])
        self.folded = False

    def forward(self, features: Tensor) -> Tensor:
        with full_precision(features):
            return self._transform(features.float())

    def _transform(self, features: Tensor) -> Tensor:
        weight = self.weight if self.folded else self.weight * self.scale[:, None, None, None]
        overlap = weight.shape[-1] - self.stride
        if not self.transposed:
            if overlap:
                features = F.pad(features, [overlap // 2] * 4, mode="reflect")
            return F.conv2d(features, weight, self.bias, stride=self.stride)
        if overlap:
            features = F.pad(features, [1] * 4, mode="replicate")
        trim = overlap // 2 + (self.stride if overlap else 0)
        return F.conv_transpose2d(features, weight, self.bias, stride=self.stride, padding=trim)
