"""Previews as a file: what is read is what was written, and only where it is of the model."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN
from trellic.codec import Codec
from trellic.errors import DamagedModel
from trellic.model import Model
from trellic.model.previews import SUFFIX, Preview, from_blocks, read_previews, to_blocks, write_previews

MODEL = Model.read(GOLDEN / "golden.trm")


def preview(scale: int = 8, window: int = 3, seed: int = 0) -> Preview:
    """Return an arbitrary map of the golden model's first group."""
    random = np.random.default_rng(seed)
    count, channels = 3 * (16 // scale) ** 2, MODEL.schedule.groups[0].stop
    weights = random.normal(0, 9, (3, count, channels, window, window)).astype(np.float16)
    bias = random.normal(40, 9, (3, count)).astype(np.float32)
    return Preview(weights, bias, random.normal(0, 1, (2, channels)).astype(np.float32))


def installed(monkeypatch, folder, data: bytes) -> dict[int, Preview]:
    (folder / f"{MODEL.name}{SUFFIX}").write_bytes(data)
    monkeypatch.setenv("TRELLIC_MODELS", str(folder))
    return read_previews(MODEL)


def test_previews_survive_a_file(monkeypatch, tmp_path):
    written = preview()
    read = installed(monkeypatch, tmp_path, write_previews({8: written}))[8]
    for name in ("weights", "bias", "log_rms"):
        assert np.array_equal(getattr(read, name), getattr(written, name))


def test_a_model_without_a_file_has_none(monkeypatch, tmp_path):
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    assert read_previews(MODEL) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: bytes(8) + data[8:],
        lambda data: write_previews({8: preview(window=2)}),
        lambda data: write_previews({4: preview(8)}),
        lambda data: write_previews({8: replace(preview(), bias=preview().bias[:, 1:])}),
        lambda data: write_previews({8: replace(preview(), log_rms=preview().log_rms * np.inf)}),
    ],
)
def test_a_file_of_something_else_is_one_clear_error(monkeypatch, tmp_path, change):
    with pytest.raises(DamagedModel) as error:
        installed(monkeypatch, tmp_path, change(write_previews({8: preview()})))
    assert len(str(error.value).splitlines()) == 1


def test_blocks_and_planes_are_each_others_inverse():
    planes = np.random.default_rng(0).integers(0, 256, (3, 8, 12)).astype(np.float64)
    assert np.array_equal(from_blocks(to_blocks(planes, 4).astype(np.uint8)), planes)


def test_a_pixel_is_a_weighted_sum_of_the_latents_around_it():
    one, quality = preview(), 0.3
    latents = np.random.default_rng(1).normal(0, 1, (len(one.log_rms[0]) + 2, 4, 5)).astype(np.float32)
    shown = one.show(latents, quality)
    assert shown.shape == (3, 8, 10)
    padded = np.pad(latents, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    colour, row, column = 2, 5, 6  # of block (2, 3): its lower left pixel
    number = colour * 4 + (row % 2) * 2 + column % 2
    total = 0.0
    for power in range(3):
        total += quality**power * one.bias[power, number]
        for channel in range(len(one.log_rms[0])):
            rms = np.exp(one.log_rms[0, channel] + quality * one.log_rms[1, channel])
            around = padded[channel, row // 2 : row // 2 + 3, column // 2 : column // 2 + 3]
            total += quality**power * float((one.weights[power, number, channel] * around).sum()) / rms
    assert abs(int(shown[colour, row, column]) - min(max(total, 0), 255)) < 0.6


def test_the_shipped_model_has_all_previews():
    """`trellic fit-previews` makes them; CONTRIBUTING.md says when."""
    assert set(read_previews(Codec(threads=1).model)) == {8, 4, 2}
