"""A discriminator of patches: it sees whether detail beside a faithful picture is real, and so teaches a synthesis.

Source: Isola et al., Image-to-image translation (2017); Lim and Ye, Geometric GAN (2017), for the hinge; Miyato et al.,
Spectral normalization (2018); Mentzer et al., High-fidelity generative image compression (2020), for the condition.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from trellic.networks.activations import SLOPE

WIDTHS = (32, 64, 128, 256)
INPUTS = 7
"""A picture, the faithful one, and the quality."""
KERNEL = 4
"""A multiple of the stride: each sample of a picture is then seen as often as its neighbours."""
BETAS = (0.5, 0.9)


class Discriminator(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1], faithful ones and quality (N, 1, 1, 1) → scores (N, 1, H/16, W/16)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((INPUTS, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, KERNEL, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 1)))

    def forward(self, pictures: Tensor, faithful: Tensor, quality: Tensor) -> Tensor:
        """Return scores, positive for what seems real."""
        level = (quality - 0.5).expand(-1, 1, *pictures.shape[2:])
        scores: Tensor = self.layers(torch.cat([pictures - 0.5, faithful - 0.5, level], dim=1))
        return scores


class Adversary:
    """A discriminator in training.

    rate  learning rate of Adam
    """

    def __init__(self, device: torch.device, rate: float) -> None:
        self.network = Discriminator().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, betas=BETAS)

    def learn(self, real: Tensor, made: Tensor, faithful: Tensor, quality: Tensor) -> float:
        """Take a step of learning which pictures are real; return the hinge loss, 2 where nothing is known."""
        twice = torch.cat([faithful, faithful])
        scores = self.network(torch.cat([real, made.detach()]), twice, torch.cat([quality, quality])).float()
        high, low = scores.chunk(2)
        loss = F.relu(1 - high).mean() + F.relu(1 + low).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.item()

    def loss(self, made: Tensor, faithful: Tensor, quality: Tensor) -> Tensor:
        """Return how made pictures are seen through, (N,), with gradients for them alone."""
        for weight in self.network.parameters():
            weight.requires_grad_(False)
        scores = self.network(made, faithful, quality).float()
        for weight in self.network.parameters():
            weight.requires_grad_(True)
        return -scores.mean(dim=(1, 2, 3))

    def state(self) -> dict[str, Any]:
        """Return all that going on needs."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
