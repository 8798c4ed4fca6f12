"""Fixtures of training: small pictures, a configuration of seconds, and a tiny model trained by it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from conftest import textured

pytest.importorskip("torch")

TINY = {
    "latents": 12,
    "transform": {"fine": [1, 1, 16], "coarse": [1, 1, 16]},
    "prior": {"groups": [4, 8], "z": 8, "features": 16},
}


class Workshop(NamedTuple):
    """A folder with pictures, a run and its model."""

    folder: Path
    pictures: Path
    run: Path
    model: Path

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def values(self, **changes: Any) -> dict[str, Any]:
        """Return a configuration's values: four steps on crops of 64 pixels."""
        folders = {"pictures": [str(self.pictures)], "validation": [str(self.pictures)]}
        return {**folders, "steps": 4, "batch": 2, "crop": 64, "warmup": 2, "cached": 6, "design": TINY, **changes}

    def config(self, path: Path, **changes: Any) -> Path:
        """Write a configuration as TOML."""
        path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in self.values(**changes).items()))
        return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(each)}' for key, each in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A tiny model, trained for 30 steps and exported, with all that made it."""
    from trellic.train.config import TrainConfig
    from trellic.train.run import export_run, run_config

    folder = tmp_path_factory.mktemp("workshop")
    made = Workshop(folder, folder / "pictures", folder / "run", folder / "tiny.trm")
    made.pictures.mkdir()
    for number in range(3):
        Image.fromarray(textured(280, 300, number)).save(made.pictures / f"{number}.png")
    run_config(TrainConfig.from_values(made.values(steps=30)), made.run, made.cache, lambda entry: None)
    made.model.write_bytes(export_run(made.run, "tiny").pack())
    return made


@pytest.fixture
def trained(workshop: Workshop, tmp_path: Path) -> Callable[..., Path]:
    """Trains by the tiny configuration with changes, and returns the run's folder."""
    from trellic.train.config import TrainConfig
    from trellic.train.run import run_config

    def train(name: str = "run", **changes: Any) -> Path:
        out = tmp_path / name
        run_config(TrainConfig.from_values(workshop.values(**changes)), out, workshop.cache, lambda entry: None)
        return out

    return train
