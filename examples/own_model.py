"""A prior of your own in one file: networks, and the order in which they are run and passes are coded.

This one has no groups. It codes y in four passes, one position of each 2×2 block after another, and predicts each from
z and all positions before it. Encoder, decoder, training and export follow its schedule; none of them changes.
Needs trellic[train].

python examples/own_model.py
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import trellic
from trellic.metrics import psnr
from trellic.model.schedule import ALL, Code, Run, Variable
from trellic.networks import priors
from trellic.networks.blocks import activation, depthwise, pointwise
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design, PriorOptions, TransformOptions
from trellic.networks.exact import fit_fixed_points
from trellic.networks.export import export
from trellic.networks.priors.base import Head, Prior, affine_log_scales
from trellic.networks.surrogates import NoisyRounding, Rounding
from trellic.networks.transforms.conditioning import lambda_of

PHOTOGRAPH = Path(trellic.__file__).parent / "models" / "demo.webp"
MASKS = (("10", "00"), ("00", "01"), ("01", "00"), ("00", "10"))


class HyperAnalysis(nn.Module):
    """y (N, latents, H/16, W/16) → z (N, z, H/64, W/64)."""

    def __init__(self, latents: int, z: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(latents, z, 4, stride=4)

    def forward(self, y: Tensor) -> tuple[Tensor]:
        return (self.layer(y),)


class HyperSynthesis(nn.Module):
    """z, quality (N, 1, 1, 1) → features (N, width, H/16, W/16)."""

    def __init__(self, z: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(pointwise(z, 16 * width), nn.PixelShuffle(4), activation())

    def forward(self, z: Tensor, quality: Tensor) -> tuple[Tensor]:
        return (self.layers(z) * (quality + 0.5),)


class Predict(nn.Module):
    """Features, and y as far as it is decoded (zero elsewhere) → mean and log scale of all of y."""

    def __init__(self, width: int, latents: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(pointwise(width + latents, width), activation(), depthwise(width), activation())
        self.head = Head(width, latents)

    def forward(self, features: Tensor, decoded: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.head(self.layers(torch.cat([features, decoded], dim=1)))
        return mean, log_scale


class QuartersPrior(Prior):
    """z, then y in four quarters."""

    affine = ("z_log_scale",)

    def __init__(self, design: Design) -> None:
        super().__init__()
        latents, z, width = design.latents, design.prior.z, design.prior.features
        self.z_log_scale = affine_log_scales(z)
        self.networks = nn.ModuleDict({
            "hyper_analysis": HyperAnalysis(latents, z),
            "hyper_synthesis": HyperSynthesis(z, width),
            **{f"quarter_{number}": Predict(width, latents) for number in range(4)},
        })  # fmt: skip
        self.variables = {"z": Variable(z, 64), "y": Variable(latents, 16)}
        self.encode = (Run("hyper_analysis", ("y",), ("z",)),)
        self.code = (
            Code("z", 0, z, ALL, "", "z_log_scale", tables="z"),
            Run("hyper_synthesis", ("z", "quality"), ("features",)),
        )
        for number, mask in enumerate(MASKS):
            self.code += (
                Run(f"quarter_{number}", ("features", f"y[0:{latents}]"), ("mean", "log_scale")),
                Code("y", 0, latents, mask, "mean", "log_scale"),
            )


# The one line that makes the family known, and a design that asks for it.
priors.FAMILIES["quarters"] = QuartersPrior
design = Design(
    latents=48,
    exact=True,
    transform=TransformOptions(fine=(0, 0, 32), coarse=(1, 1, 64)),
    prior=PriorOptions("quarters", groups=(48,), z=8, features=32),
)
torch.manual_seed(1)
model = TrainableCodec(design)
image = Image.open(PHOTOGRAPH).convert("RGB")
pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255
crops = torch.stack([pixels[:, y : y + 128, x : x + 128] for y in range(0, 384, 128) for x in range(0, 768, 256)])
quality = torch.linspace(0.1, 0.9, len(crops)).view(-1, 1, 1, 1)

# Transforms begin as cosine and Haar functions scaled to pictures; exact layers fit their fixed points to their inputs.
model.family.fit_to(crops, model.analysis, model.synthesis)
with torch.no_grad():
    fit_fixed_points(model.prior, lambda: model(crops, quality, Rounding()))

# Training in its plainest form: rate + λ · distortion, the prior alone, since the transforms are good from the start.
# `trellic.train` has stages, schedules, averages and checkpoints.
optimizer = torch.optim.Adam(model.prior.parameters(), 3e-3)
for step in range(20):
    coded = model(crops, quality, NoisyRounding())
    rate = torch.stack(list(coded.bits.values())).sum(dim=0) / crops[0, 0].numel()
    error = (coded.pictures - crops).pow(2).mean(dim=(1, 2, 3)) * 255**2
    loss = (rate + lambda_of(quality).flatten() * error).log().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step}: loss {loss.item():.3f}, {rate.mean().item():.3f} bpp")

Path("quarters.trm").write_bytes(export(model, {"summary": "four quarters"}).pack())

# What follows knows nothing of quarters: it reads the schedule in the model's card.
codec = trellic.Codec("quarters.trm", quantizer="tcq8")
data = codec.encode(image, quality=50)
decoded = codec.decode(data)
print(f"{len(data)} bytes, {psnr(np.asarray(image), np.asarray(decoded)):.2f} dB")
