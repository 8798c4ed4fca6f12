"""Chains of generations: where they end, what they keep, and that nothing is measured twice."""

import numpy as np
import pytest

from conftest import textured
from trellic.errors import BadRequest
from trellic.evaluate.codecs.image_codec import ImageCodec
from trellic.evaluate.stability import Chains, chains_table, generations_of, setting_for

PIXELS = textured(20, 30)


class Rounding:
    """A codec that keeps multiples of its setting; `drifts` adds 1 each time, so that nothing is ever fixed."""

    def __init__(self, name: str = "rounding", drifts: bool = False) -> None:
        self.calls, self.drifts, self.name = 0, drifts, name

    def encode(self, pixels: np.ndarray, setting: float) -> bytes:
        self.calls += 1
        step = 256 - int(setting)
        drifted = np.clip(pixels.astype(int) + self.drifts, 0, 255)
        return bytes([0]) + np.minimum(drifted // step * step, 255).astype(np.uint8).tobytes()

    def codec(self) -> ImageCodec:
        settings = tuple(map(float, range(200, 256)))
        return ImageCodec(
            self.name, self.name, settings, settings, self.encode,
            lambda data: np.frombuffer(data[1:], np.uint8).reshape(PIXELS.shape),
        )  # fmt: skip


def test_a_chain_ends_where_a_file_is_the_one_before():
    fixed, sizes, decibels = generations_of(Rounding().codec(), PIXELS, 250, 50)
    assert fixed == 2
    assert len(sizes) == len(decibels) == 1


def test_a_chain_that_drifts_goes_to_its_end():
    fixed, _, decibels = generations_of(Rounding(drifts=True).codec(), PIXELS, 255, 5)
    assert (fixed, len(decibels)) == (None, 5)
    assert list(decibels) == sorted(decibels, reverse=True)


def test_a_rival_starts_from_the_nearest_psnr():
    codec = Rounding().codec()
    wanted = generations_of(codec, PIXELS, 243, 1)[2][0]
    assert setting_for(codec, PIXELS, wanted) == 243


def test_what_is_in_the_file_is_not_measured_again(tmp_path):
    path, ours, rival = tmp_path / "a.jsonl", Rounding(), Rounding("drifting", drifts=True)
    codecs = [ours.codec(), rival.codec()]
    first = Chains(path, codecs, "mine").measure(codecs[0], codecs[1:], "set", "a", PIXELS, 250, 4)
    calls = ours.calls, rival.calls
    again = Chains(path, codecs, "mine").measure(codecs[0], codecs[1:], "set", "a", PIXELS, 250, 4)
    assert again == first
    assert (ours.calls, rival.calls) == calls
    changed = [codecs[0]._replace(about="other"), codecs[1]]
    assert [chain.codec for chain in Chains(path, changed, "mine").chains] == ["drifting"]
    learned = [codecs[0]._replace(model="hash"), codecs[1]]
    assert [chain.codec for chain in Chains(path, learned, "mine").chains] == ["drifting"]
    assert [row[0] for row in chains_table(first).rows] == ["rounding", "drifting"]


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n[]\n")
    with pytest.raises(BadRequest):
        Chains(path, [], "mine")


def test_a_picture_that_comes_back_as_it_was_loses_nothing(tmp_path):
    """A flat picture does; no file of JSON has an infinite number."""
    flat, codec = np.full(PIXELS.shape, 200, np.uint8), Rounding().codec()
    path = tmp_path / "a.jsonl"
    (chain,) = Chains(path, [codec], "mine").measure(codec, [], "set", "flat", flat, 255, 3)
    assert chain.loss == 0
    assert "Infinity" not in path.read_text()
    assert Chains(path, [codec], "mine").chains == [chain]
    assert setting_for(codec, flat, chain.psnr[0]) in codec.settings


def test_no_setting_is_tried_twice_for_a_rival():
    rounding = Rounding()
    setting_for(rounding.codec(), PIXELS, 40.0)
    assert rounding.calls <= 7
