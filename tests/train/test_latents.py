"""The cache of latents: what was quantized once comes back as it was, and is made again only for other facts."""

import pytest
import torch

from trellic.networks.learned import Decoded
from trellic.train.latents import CACHE_BATCH, Batch, CachedLatents, Latents

COUNT = 10
CPU = torch.device("cpu")


class Live(Latents):
    """Numbered pictures of 8×8, their number in their qualities, and latents of 4×4; counts how often it is asked."""

    def __init__(self) -> None:
        self.drawn = 0
        self.latents = torch.randn(COUNT, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 20

    def draw(self, count, device):
        numbers = torch.arange(self.drawn, self.drawn + count)
        self.drawn += count
        pictures = (numbers.view(-1, 1, 1, 1) / 255).expand(-1, 3, 8, 8)
        return Batch(pictures, (numbers / COUNT).view(-1, 1, 1, 1), Decoded({"y": self.latents[numbers]}, {}), {})


@pytest.fixture
def filled(tmp_path):
    def fill(facts: bytes, live: Live) -> CachedLatents:
        return CachedLatents.filled(tmp_path, facts, COUNT, live, CPU, seed=1)

    return fill


def test_a_cache_gives_pictures_with_their_qualities_and_latents(filled):
    live = Live()
    found = filled(b"these", live).draw(CACHE_BATCH, CPU)
    numbers = (found.quality.flatten() * COUNT).round().long()
    assert len(set(numbers.tolist())) == CACHE_BATCH
    assert torch.allclose(found.pictures, (numbers.view(-1, 1, 1, 1) / 255).expand(-1, 3, 8, 8))
    assert (found.decoded.values["y"] - live.latents[numbers]).abs().max() <= 1 / 64


def test_a_cache_that_was_not_filled_to_its_end_is_none(filled, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("trellic.train.latents.np.save", stop)
        with pytest.raises(KeyboardInterrupt):
            filled(b"these", Live())
    live = Live()
    assert len(filled(b"these", live).qualities) == live.drawn == COUNT


def test_a_cache_is_filled_once_for_the_same_facts(filled):
    live = Live()
    filled(b"these", live)
    filled(b"these", live)
    assert live.drawn == COUNT
    filled(b"others", Live())
