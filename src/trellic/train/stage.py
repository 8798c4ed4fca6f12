"""A stage of training as a value: what is trained, on which latents, with which quantizer or surrogate, by which loss.

The stages are rows of `stages.toml`. To add one, add a row.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from trellic.errors import BadConfig

FILE = Path(__file__).parent / "stages.toml"
PARTS = ("analysis", "entropy", "synthesis", "adapter")
LATENTS = ("live", "cached", "searched", "blocks", "planes")
QUANTIZERS = ("rounding", "noise", "deployed")
TERMS = ("rate", "distortion", "near", "pleasing")


@dataclass(frozen=True)
class Stage:
    """A row of `stages.toml`.

    summary         what it is for
    trains          parts of the codec
    latents         "live": from the analysis, at each step; "cached": quantized once and kept on disk; "searched": what
                    the encoder's search quantizes instead, kept on disk; "blocks": live, of blocks with rings on random
                    sides; "planes": live, of coarse planes of layers
    quantizer       what stands for it: "rounding" (noise in the rate), "noise" (in the latents too), or "deployed"
    terms           of the loss
    exact           whether the entropy networks become exact first
    keep_if_better  whether a chain continues from the model before where this stage's validation cost is not lower
    """

    name: str
    summary: str
    trains: tuple[str, ...]
    latents: str
    quantizer: str
    terms: tuple[str, ...]
    exact: bool = False
    keep_if_better: bool = False

    def __post_init__(self) -> None:
        _check(self.name, "trains", self.trains, PARTS)
        _check(self.name, "latents", [self.latents], LATENTS)
        _check(self.name, "quantizer", [self.quantizer], QUANTIZERS)
        _check(self.name, "terms", self.terms, TERMS)


def _check(stage: str, key: str, values: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := set(values) - set(known):
        raise BadConfig(f"stage {stage}: no {key} {sorted(unknown)[0]!r} (there are: {', '.join(known)})")


def read_stages(path: Path) -> dict[str, Stage]:
    """Return the stages of a TOML file by name. Raises BadConfig."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _stage_of(name, row) for name, row in rows.items()}
    except (OSError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise BadConfig(f"{path}: {error}") from error


def _stage_of(name: str, row: dict[str, Any]) -> Stage:
    if unknown := set(row) - {field.name for field in fields(Stage)}:
        raise BadConfig(f"stage {name}: unknown keys: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Stage(name, **values)


@cache
def stages() -> dict[str, Stage]:
    """Return the package's stages by name."""
    return read_stages(FILE)


def stage_named(name: str) -> Stage:
    """Return the stage of that name. Raises BadConfig."""
    if name not in stages():
        raise BadConfig(f"no stage {name!r} (there are: {', '.join(stages())})")
    return stages()[name]
