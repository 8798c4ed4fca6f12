"""Retraining on what the search chose: targets are those that the encoder codes, kept on disk, and validated by."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from conftest import GOLDEN, textured  # noqa: E402
from trellic import Codec  # noqa: E402
from trellic.codec.analysis import analyse_tile  # noqa: E402
from trellic.codec.encoder import encode_latents  # noqa: E402
from trellic.codec.search import by_weights_of_its_own, search  # noqa: E402
from trellic.codec.tiles import windows  # noqa: E402
from trellic.container import Grid  # noqa: E402
from trellic.errors import BadConfig  # noqa: E402
from trellic.picture.types import Picture  # noqa: E402
from trellic.train.searched import TargetSearch, remembering  # noqa: E402

SIDE, QUALITY = 128, 0.5


@pytest.fixture(scope="module")
def codec():
    return Codec(str(GOLDEN / "golden.trm"), 1)


def batch(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = np.stack([textured(SIDE, SIDE, seed) for seed in range(count)])
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255.0
    return pictures, torch.full((count, 1, 1, 1), QUALITY)


def test_targets_are_those_that_the_encoder_finds(codec):
    pictures, quality = batch(2)
    targets = TargetSearch(codec.model, codec.deployed)(pictures, quality)
    for number in range(2):
        (window,) = windows(Picture(textured(SIDE, SIDE, number)), Grid.whole(SIDE, SIDE), codec.model.margin)
        analysed = analyse_tile(codec.sessions, window, int(QUALITY * 25600), back_projects=True)
        plain = encode_latents(codec.sessions, analysed, codec.deployed)
        fit = by_weights_of_its_own(window, int(QUALITY * 25600))
        found, coded = search(codec.sessions, window, analysed, plain, codec.deployed, codec.refinement.rounds, fit)
        assert np.array_equal(targets["y"][number].numpy(), found)
        assert np.array_equal(found, analysed.targets["y"]) == (coded is plain)
        assert np.array_equal(targets["z"][number].numpy(), analysed.targets["z"])
    assert targets["y"].shape == (2, *analysed.targets["y"].shape)


def test_a_search_is_asked_once_for_the_same_pictures():
    asked = []

    def find(pictures, quality):
        asked.append(float(quality.flatten()[0]))
        return {"y": pictures}

    encode = remembering(find)
    pictures, quality = batch(1)
    for each in (quality, quality, quality / 2, quality / 2):
        assert encode(pictures, each)["y"] is pictures
    assert asked == [QUALITY, QUALITY / 2]


def test_a_model_that_has_no_search_is_refused(codec, monkeypatch):
    monkeypatch.setitem(codec.model.__dict__, "gradient", None)
    with pytest.raises(BadConfig, match="no search"):
        TargetSearch(codec.model, codec.deployed)
