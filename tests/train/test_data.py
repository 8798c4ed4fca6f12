"""Training pictures are decoded once, and are what the files hold."""

import numpy as np
import pytest
import torch
from PIL import Image

from trellic.errors import NoPictures
from trellic.train.data import PixelStore, centres, list_pictures, to_device

CPU = torch.device("cpu")


def test_files_are_listed_as_they_are(tmp_path):
    for name in ("b.png", "a.png", "c.txt"):
        (tmp_path / name).touch()
    assert list_pictures([str(tmp_path / "b.png"), str(tmp_path)]) == [
        tmp_path / "b.png", tmp_path / "a.png", tmp_path / "b.png",
    ]  # fmt: skip


def test_pixels_are_those_of_the_files(workshop, tmp_path):
    paths = list_pictures([str(workshop.pictures)])
    store = PixelStore.of_files(paths, tmp_path)
    for path, pixels in zip(paths, store.pictures, strict=True):
        assert np.array_equal(pixels, np.asarray(Image.open(path)))
    filled = (next(tmp_path.iterdir()) / "pixels.bin").stat().st_mtime_ns
    PixelStore.of_files(paths, tmp_path)
    assert (next(tmp_path.iterdir()) / "pixels.bin").stat().st_mtime_ns == filled


def test_pictures_that_cannot_be_read_are_reported_and_skipped(workshop, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nonsense")
    reported = []
    paths = [tmp_path / "broken.png", *list_pictures([str(workshop.pictures)])]
    assert len(PixelStore.of_files(paths, tmp_path / "cache", reported.append).pictures) == 3
    assert any("broken.png: skipped" in message for message in reported)
    with pytest.raises(NoPictures):
        PixelStore.of_files(paths[:1], tmp_path / "none")


def test_pixels_reach_the_device_as_fractions_of_255():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    moved = to_device([pixels, pixels], CPU)
    assert moved.shape == (2, 3, 4, 4)
    assert torch.equal((moved[1] * 255).round().permute(1, 2, 0).to(torch.uint8), torch.from_numpy(pixels))


def test_centres_leave_out_what_is_too_small(workshop):
    paths = list_pictures([str(workshop.pictures)])
    assert centres(paths, 64, CPU).shape == (3, 3, 64, 64)
    with pytest.raises(NoPictures):
        centres(paths, 512, CPU)


def test_centres_go_past_what_cannot_be_read(workshop, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    reports: list[str] = []
    paths = [tmp_path / "bad.png", *list_pictures([str(workshop.pictures)])]
    assert len(centres(paths, 64, CPU, reports.append)) == 3
    assert "bad.png: skipped" in reports[0]
