"""Configurations: what cannot work is refused before anything is trained."""

import json

import pytest

from trellic.errors import BadConfig
from trellic.train.config import TrainConfig
from trellic.train.run import read_config


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": 100},
        {"nosuch": 1},
        {"minutes": 3.0, "steps": 3},
        {"design": {"prior": {"groups": [1, 2]}}},
        {"pictures": "x"},
        {"steps": "3"},
        {"warmup": 0},
        {"cached": 1},
        {"design": {"transform": {"blocks": "zzz"}}},
        {"design": {"transform": {"family": "zzz"}}},
        {"design": {"prior": {"family": "zzz"}}},
        {"mix": {"nosuch": 1}},
        {"mix": {"graphics": 2.0}},
        {"mix": {"shrink": 0.0}},
        {"mix": {"graphics": 0.1}, "crop": 512},
        {"schedule": "nosuch"},
        {"schedule": "decay"},
        {"branch": "runs/long"},
        {"precision": "float8"},
        {"step": 1.2},
    ],
)
def test_wrong_configurations_are_refused(wrong):
    with pytest.raises(BadConfig):
        TrainConfig.from_values({"pictures": ["x"], "validation": ["y"], **({"steps": 3} | wrong)})


def test_a_configuration_survives_json(workshop):
    config = TrainConfig.from_values(workshop.values(mix={"graphics": 0.1}, rates={"*.bias": 0.5}))
    kept = json.loads(json.dumps(config.to_json()))
    assert TrainConfig.from_values(kept) == config
    assert config.differences(kept, set()) == []
    assert TrainConfig.from_values({**kept, "seed": 9, "batch": 4}).differences(kept, {"batch"}) == ["seed"]
    older = {key: value for key, value in kept.items() if key != "optimizer"}
    assert config.differences(older, set()) == []


def test_a_table_of_the_configuration_is_for_its_stage(workshop, tmp_path):
    config = workshop.config(tmp_path / "stage.toml", joint={"batch": 1}, synthesis={"batch": 5})
    batches = [read_config(config, {"stage": stage}).batch for stage in ("entropy", "joint", "synthesis")]
    assert batches == [2, 1, 5]
