"""Validation: costs by the slope of the curve, the same however many pictures are coded at once."""

from itertools import pairwise

import pytest
import torch

from conftest import textured
from trellic.networks.learned import Decoded
from trellic.networks.surrogates import Rounding
from trellic.networks.transforms.conditioning import lambda_of
from trellic.train.start import load_run
from trellic.train.validate import cost, lambda_scale_of, validate


def test_the_weight_of_distortion_is_the_slope_of_the_quantizers_curve():
    mses = [200.0, 80.0, 40.0, 30.0, 12.0]
    slopes = lambda_of(torch.tensor([0.2, 0.4, 0.6, 0.8])) * 0.6
    bpps = [0.1]
    for slope, (worse, better) in zip(slopes.tolist(), pairwise(mses), strict=True):
        bpps.append(bpps[-1] + slope * (worse - better))
    assert lambda_scale_of(bpps, mses) == pytest.approx(0.6)
    assert lambda_scale_of(bpps[::-1], mses) == 1.0  # no curve, as of networks that were never trained


def test_one_per_cent_of_rate_and_distortion_is_a_hundredth_of_cost():
    bpps, mses = [0.1, 0.2, 0.4, 0.8, 1.6], [200.0, 80.0, 40.0, 20.0, 10.0]
    better = cost([0.99 * bpp for bpp in bpps], [0.99 * mse for mse in mses], 1.0)
    assert cost(bpps, mses, 1.0) - better == pytest.approx(0.01, abs=1e-4)


def test_validation_does_not_depend_on_batches_and_leaves_the_mode(workshop):
    codec = load_run(workshop.run).codec.train()
    pixels = torch.stack([torch.from_numpy(textured(64, 64, seed)).permute(2, 0, 1) for seed in range(5)]).float() / 255
    whole = validate(codec, pixels, lambda quality: Rounding())
    parts = [validate(codec, part[None], lambda quality: Rounding()) for part in pixels]
    assert whole["bpp"][2] == pytest.approx(sum(part["bpp"][2] for part in parts) / 5, rel=1e-4)
    assert whole["mse"][2] == pytest.approx(sum(part["mse"][2] for part in parts) / 5, rel=1e-4)
    assert codec.training


class Watched:
    """A codec that says in which mode it was asked to code: 1 bit a picture, and the pictures themselves."""

    def __init__(self) -> None:
        self.training, self.modes = True, set[bool]()

    def train(self, mode: bool = True) -> None:
        self.training = mode

    def eval(self) -> None:
        self.train(False)

    def encode(self, pictures, qualities) -> dict[str, torch.Tensor]:
        return {"y": pictures}

    def code(self, targets, qualities, coder) -> Decoded:
        self.modes.add(self.training)
        return Decoded(targets, {"y": torch.ones(len(targets["y"]))})

    def decode(self, values, qualities) -> torch.Tensor:
        self.modes.add(self.training)
        return values["y"] + 1 / 255


def test_a_codec_is_validated_as_it_will_be_used_and_goes_on_as_it_was():
    codec = Watched()
    found = validate(codec, torch.full((3, 3, 8, 8), 0.5), lambda quality: Rounding())
    assert codec.modes == {False}
    assert codec.training
    assert found["bpp"] == pytest.approx([1 / 64] * 5)
    assert found["mse"] == pytest.approx([1.0] * 5, rel=1e-3)
    assert found["psnr"] == pytest.approx([48.13] * 5, abs=0.01)


def test_other_targets_than_the_analysis_finds_may_be_validated():
    brighter = validate(
        Watched(),
        torch.full((3, 3, 8, 8), 0.5),
        lambda quality: Rounding(),
        encode=lambda pictures, qualities: {"y": pictures + 1 / 255},
    )
    assert brighter["mse"] == pytest.approx([4.0] * 5, rel=1e-3)
