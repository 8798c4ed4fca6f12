"""Tuning as steps of a chain: the functions of `trellic.tune`, for the chain's quantizer and pictures."""

from collections.abc import Callable

from trellic.model import Model
from trellic.quantize import quantizer_to_tune
from trellic.train.config import TrainConfig
from trellic.train.data import list_pictures
from trellic.train.loop import Report
from trellic.tune.calibrate import calibrate
from trellic.tune.fit_tables import fit_tables
from trellic.tune.pictures import MOST_CALIBRATED, MOST_FITTED, some_pictures

Say = Callable[[str], None]


def _calibrate(model: Model, config: TrainConfig, say: Say) -> Model:
    pictures = some_pictures(list_pictures(config.validation), MOST_CALIBRATED, say)
    return calibrate(model, pictures, [quantizer_to_tune(config.quantizer)], say)


def _tables(model: Model, config: TrainConfig, say: Say) -> Model:
    return _fitted(model, config, say, move_offsets=False)


def _offsets(model: Model, config: TrainConfig, say: Say) -> Model:
    return _fitted(model, config, say, move_offsets=True)


def _fitted(model: Model, config: TrainConfig, say: Say, move_offsets: bool) -> Model:
    pictures = some_pictures(list_pictures(config.pictures), MOST_FITTED, say)
    return fit_tables(model, pictures, [quantizer_to_tune(config.quantizer)], move_offsets=move_offsets, report=say)


TUNING: dict[str, Callable[[Model, TrainConfig, Say], Model]] = {
    "calibrate": _calibrate,
    "tables": _tables,
    "offsets": _offsets,
}
"""Steps by name: operating points and weights; probability tables; tables and reconstruction offsets."""


def tune(name: str, model: Model, config: TrainConfig, report: Report) -> Model:
    """Return the model tuned by the step of that name."""
    return TUNING[name](model, config, lambda message: report({"message": message}))
