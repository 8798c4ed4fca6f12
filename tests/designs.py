"""Toy models of any design: built, fitted to pictures and exported in a second, none of their weights near zero."""

from pathlib import Path

import numpy as np
import torch

from conftest import textured
from interpreter import interpret
from trellic.codec import Codec
from trellic.metrics import psnr
from trellic.model import Sessions
from trellic.model.probe import failures, inputs_of, probe_of
from trellic.networks.blocks import Residual
from trellic.networks.codec import TrainableCodec
from trellic.networks.design import Design, PriorOptions, TransformOptions
from trellic.networks.exact import fit_fixed_points
from trellic.networks.export import export
from trellic.networks.learned import positions_of
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


def predictions(codec: TrainableCodec, values: dict[str, torch.Tensor], variable: str) -> list[torch.Tensor]:
    """Return mean and log scale of each pass of a variable, where all variables are what they are."""
    found = []

    def keep(step, target, gaussian):
        if step.variable == variable:
            found.append(torch.cat(gaussian, dim=1))
        return target * positions_of(step.mask, target), target[:, :1] * 0

    with torch.no_grad():
        codec.code(values, torch.full((1, 1, 1, 1), 0.5), keep)
    return found


def assert_causal(codec: TrainableCodec, values: dict[str, torch.Tensor], variable: str) -> None:
    """No pass of a variable is predicted from what is coded later, and each but the first from the one before."""
    passes = [step for step in codec.schedule.passes if step.variable == variable]
    before, changed = predictions(codec, values, variable), torch.ones_like(values[variable])
    for number, step in enumerate(passes):
        later = predictions(codec, {**values, variable: values[variable] + 3 * changed}, variable)
        assert all(map(torch.equal, before[: number + 1], later[: number + 1])), step
        assert number + 1 == len(passes) or not torch.equal(before[number + 1], later[number + 1])
        changed[:, step.channels] *= 1 - positions_of(step.mask, changed)


def assert_exact(codec: TrainableCodec) -> None:
    """Networks before table indices give, at the probe's inputs, the numbers that integers and IEEE 754 define."""
    model = export(codec, {})
    sessions = Sessions(model)
    assert failures(sessions) == []
    for name, expected in probe_of(model).items():
        for inputs in inputs_of(expected.inputs):
            found = interpret(*model.network(name), inputs)
            assert all(map(np.array_equal, found, sessions.run(name, inputs)))


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
