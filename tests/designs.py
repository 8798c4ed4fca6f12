"""Toy models of any design: built, fitted to pictures and exported in a second, none of their weights near zero."""

from pathlib import Path

import numpy as np
import torch

from conftest import textured
from trellic.codec import Codec
from trellic.metrics import psnr
from trellic.networks.blocks import Residual
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design, PriorOptions, TransformOptions
from trellic.networks.exact import fit_fixed_points
from trellic.networks.export import export
from trellic.networks.surrogates import Rounding

TRANSFORM = TransformOptions(fine=(1, 1, 8), coarse=(1, 1, 8), stem=8)
PRIOR = PriorOptions(groups=(4, 8), z=4, features=8)
SIZES = ((1, 1), (67, 45), (300, 500))
"""Height and width: the last is cut into tiles of 256 pixels."""


def toy(transform=TRANSFORM, prior=PRIOR, exact: bool = True) -> TrainableCodec:
    """Return a model of options, its residual branches of some size."""
    torch.manual_seed(0)
    codec = TrainableCodec(Design(sum(prior.groups), exact, transform, prior)).eval()
    pictures = torch.from_numpy(np.stack([textured(64, 64, seed) for seed in range(4)])).permute(0, 3, 1, 2) / 255
    codec.family.fit_to(pictures, codec.analysis, codec.synthesis)
    quality = torch.linspace(0, 1, 4).view(4, 1, 1, 1)
    with torch.no_grad():
        for module in codec.modules():
            if isinstance(module, Residual):
                module.branch[-1].weight.mul_(3)
        fit_fixed_points(codec.prior, lambda: codec(pictures, quality, Rounding()))
    return codec


def assert_streams_round_trip(codec: TrainableCodec, folder: Path, least: float = 20.0) -> None:
    """Encode and decode at odd sizes and in tiles: latents come back as the encoder had them, so pictures do."""
    path = folder / "toy.trm"
    path.write_bytes(export(codec, {"summary": "toy"}).pack())
    deployed = Codec(str(path), 1, "tcq8", tile=256)
    for height, width in SIZES:
        pixels = textured(height, width)
        decoded = np.asarray(deployed.decode(deployed.encode(pixels, 90)))
        assert decoded.shape == pixels.shape
        assert psnr(pixels, decoded) > least
