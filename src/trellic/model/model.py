"""A trained model as one typed value: the content of a .trm file by purpose, checked once."""

import contextlib
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import SCALES, Tables
from trellic.errors import BadRequest, DamagedModel
from trellic.model.adjoint import adjoint_of, gradient_of
from trellic.model.arrays import Arrays
from trellic.model.file import HALVES, ModelFile, parse_file, read_file
from trellic.model.graph import Graph
from trellic.model.schedule import Run, Schedule
from trellic.quantize.levels import OFFSETS, Offsets, no_offsets
from trellic.quantize.settings import OperatingPoint

Floats = npt.NDArray[np.float32]

LARGEST_LOG = 32.0
"""Bound of exponents, so that no weight leaves single precision."""
MOST_MARGIN = 256
GAUSSIAN = "gaussian"
SENSITIVITY = "sensitivity"
GRADIENT = "gradient"
"""The network that computes how a picture's error depends on latents: derived from the synthesis, and in no file."""
ADJOINT = "adjoint of "
"""Before the name of a network that predicts: how what depends on its outputs depends on its inputs; in no file."""


@dataclass(frozen=True)
class Model:
    """A model, as a file holds it, and that file's SHA-256.

    Arrays of its tables: `NAME.tables` (uint32, all frequencies end to end) and `NAME.offsets` (int16) of each
    quantizer that has its own; `gaussian.tables` of one level set and `gaussian_pair.tables` of two, for those that
    have not; those of passes that are rounded, such as `z.tables`.
    """

    file: ModelFile
    sha256: bytes

    @classmethod
    def of(cls, file: ModelFile) -> "Model":
        """Return the model of a file's content, which is packed to find its name. Raises DamagedModel."""
        model = cls(file, hashlib.sha256(file.pack()).digest())
        model._check()
        return model

    @classmethod
    def read(cls, path: Path) -> "Model":
        """Read a model file. Raises DamagedModel."""
        file, sha256 = read_file(path)
        model = cls(file, sha256)
        model._check()
        return model

    @classmethod
    def parse(cls, data: bytes) -> "Model":
        """Return the model that bytes hold. Raises DamagedModel."""
        model = cls(parse_file(data), hashlib.sha256(data).digest())
        model._check()
        return model

    def pack(self) -> bytes:
        """Return the bytes of the model file."""
        return self.file.pack()

    def _check(self) -> None:
        """Raise DamagedModel where the card cannot be."""
        latents = self.schedule.variables.get("y")
        if latents is None or not 0 <= self.margin <= MOST_MARGIN or self.margin % latents.stride:
            raise DamagedModel(f"model {self.name}: its card's margin or variables are impossible")
        for step in self.schedule.passes:
            if step.log_scale in self.file.arrays["decoder"]:
                self.log_scales(step.log_scale, 0.0, self.schedule.variables[step.variable].channels)

    @property
    def name(self) -> str:
        """The first 16 hexadecimal digits of the hash: how messages name the model."""
        return self.sha256[:8].hex()

    @property
    def card(self) -> dict[str, Any]:
        """What the model is, and how it was made."""
        return self.file.card

    @cached_property
    def schedule(self) -> Schedule:
        """The order of coding. Raises DamagedModel."""
        try:
            return Schedule.from_json(self.card.get("schedule"))
        except ValueError as error:
            raise DamagedModel(f"model {self.name}: {error}") from error

    @property
    def latents(self) -> int:
        """Channels of y."""
        return self.schedule.variables["y"].channels

    @property
    def margin(self) -> int:
        """How far around a tile the transforms look, in pixels; -1 where the card does not say."""
        margin = self.card.get("margin")
        return margin if type(margin) is int else -1

    @property
    def is_exact(self) -> bool:
        """Whether the networks before table indices compute the same on every processor."""
        design = self.card.get("design")
        return isinstance(design, dict) and design.get("exact") is True

    @property
    def codes_blocks(self) -> bool:
        """Whether what predicts latents keeps the size of what it sees, as rings around blocks need."""
        steps = (one for graph in self.schedule.entropy_graphs for one in self.network(graph)[0].operations)
        return all(set(one.attributes.get("strides", [1])) == {1} for one in steps if one.kind == "Conv")

    def network(self, name: str) -> tuple[Graph, Arrays]:
        """Return a network and the weights that it names: those of both halves, where it is the encoder's.

        Raises DamagedModel.
        """
        if name == GRADIENT and self.gradient:
            return self.gradient
        if name.startswith(ADJOINT) and (found := self.adjoints.get(name.removeprefix(ADJOINT))):
            return found
        return self._stored(name)

    def _stored(self, name: str) -> tuple[Graph, Arrays]:
        """Return a network of the file. Raises DamagedModel."""
        for half, graphs in self.file.graphs.items():
            if name in graphs:
                seen = HALVES[: HALVES.index(half) + 1]
                return graphs[name], {key: array for each in seen for key, array in self.file.arrays[each].items()}
        raise DamagedModel(f"model {self.name}: network {name} is missing")

    @cached_property
    def gradient(self) -> tuple[Graph, Arrays] | None:
        """How a picture's error depends on latents; None where no one network with a known adjoint shows it."""
        match self.schedule.decode:
            case (Run(synthesis, ("y", "quality"), ("pixels",)),):
                with contextlib.suppress(ValueError, LookupError):
                    return gradient_of(*self._stored(synthesis))
        return None

    @cached_property
    def adjoints(self) -> dict[str, tuple[Graph, Arrays]]:
        """The adjoints of the networks that predict latents from others, by name; none where one of them has none."""
        try:
            predictors = self.schedule.predictors.items()
            return {name: adjoint_of(*self._stored(name), numbers) for name, numbers in predictors}
        except (ValueError, LookupError):
            return {}

    def quantizer_card(self, quantizer: str) -> dict[str, Any]:
        """Return the card's entry for a quantizer, which may be empty. Raises DamagedModel."""
        quantizers = self.card.get("quantizers", {})
        found: Any = quantizers.get(quantizer, {}) if isinstance(quantizers, dict) else None
        if not isinstance(found, dict):
            raise DamagedModel(f"model {self.name}: what its card says of {quantizer} is no object")
        return found

    def operating_points(self, quantizer: str) -> tuple[OperatingPoint, ...]:
        """Return what calibration found for a quantizer, qualities rising, or (). Raises DamagedModel."""
        found = self.quantizer_card(quantizer).get("operating_points", [])
        try:
            points = tuple(OperatingPoint(float(at), float(step), float(weight)) for at, step, weight in found)
        except (TypeError, ValueError, OverflowError) as error:
            raise DamagedModel(f"model {self.name}: operating points of {quantizer} are no triples") from error
        order = [-math.inf, *(point.quality for point in points), math.inf]
        rising = all(before < after for before, after in pairwise(order))
        if not rising or not all(1 <= one.step <= 65535 and 0 <= one.rate_weight < math.inf for one in points):
            raise DamagedModel(f"model {self.name}: operating points of {quantizer} are impossible")
        return points

    def has_tables(self, name: str) -> bool:
        """Return whether a quantizer, or what is rounded, has probability tables of its own."""
        return f"{name}.tables" in self.file.tables

    def tables_for(self, quantizer: str, sets: int) -> tuple[Tables, Offsets]:
        """Return a quantizer's tables for a number of level sets, and its offsets: its own, else those that all share.

        Raises DamagedModel, or BadRequest where a model has no tables for that number of sets.
        """
        name = quantizer if self.has_tables(quantizer) else (GAUSSIAN if sets == 1 else f"{GAUSSIAN}_pair")
        if f"{name}.tables" not in self.file.tables:
            raise BadRequest(f"model {self.name} has no tables for {quantizer}")
        tables = self._tables(name)
        if tables.sets != sets:
            raise DamagedModel(f"model {self.name}: the tables of {name} are not of {sets} level sets")
        offsets = self.file.tables.get(f"{quantizer}.offsets")
        if offsets is None:
            return tables, no_offsets(sets)
        if offsets.dtype != np.int16 or offsets.shape != (SCALES * sets, OFFSETS):
            raise DamagedModel(f"model {self.name}: the offsets of {quantizer} are {offsets.dtype} {offsets.shape}")
        return tables, offsets

    @cached_property
    def rounded_tables(self) -> dict[str, Tables]:
        """The tables of the passes that are rounded, by name: their own, else Gaussian ones. Raises DamagedModel."""
        return {
            name: self._tables(name if self.has_tables(name) else GAUSSIAN) for name in self.schedule.rounded_tables
        }

    @cached_property
    def gaussian_tables(self) -> Tables:
        """The tables of Gaussians for one level set, by which integers of any origin are coded. Raises DamagedModel."""
        return self._tables(GAUSSIAN)

    @cached_property
    def _tables_read(self) -> dict[str, Tables]:
        """Tables by name: each is cut, and its sums are made, once and not for every tile."""
        return {}

    def _tables(self, name: str) -> Tables:
        if name not in self._tables_read:
            try:
                self._tables_read[name] = Tables.of_flat(self.file.tables[f"{name}.tables"])
            except (KeyError, ValueError) as error:
                raise DamagedModel(f"model {self.name}: tables of {name} cannot be read ({error})") from error
        return self._tables_read[name]

    def log_scales(self, array: str, quality: float, channels: int) -> Floats:
        """Return natural log scales that are affine in quality, float32 (channels,). Raises DamagedModel."""
        return self._affine("decoder", array, quality, channels)

    def weights(self, quality: float) -> Floats:
        """Return the weight of the squared error of each channel's latents, 1 on average, float32 (C,)."""
        if SENSITIVITY not in self.file.arrays["encoder"]:
            return np.ones(self.latents, np.float32)
        return np.exp(self._affine("encoder", SENSITIVITY, quality, self.latents))

    def _affine(self, half: str, array: str, quality: float, channels: int) -> Floats:
        logs = self.file.arrays[half].get(array)
        if logs is None or logs.dtype != np.float32 or logs.shape != (2, channels):
            raise DamagedModel(f"model {self.name}: {array} is not float32 (2, {channels})")
        if not (np.abs(logs) <= LARGEST_LOG).all():
            raise DamagedModel(f"model {self.name}: {array} holds impossible numbers")
        values: Floats = logs[0] + logs[1] * np.float32(quality)
        return values

    def with_card(self, **entries: Any) -> "Model":
        """Return the model with entries of its card replaced."""
        return Model.of(replace(self.file, card={**self.card, **entries}))

    def with_quantizer(
        self,
        quantizer: str,
        operating_points: tuple[OperatingPoint, ...] | None = None,
        tables: Tables | None = None,
        offsets: Offsets | None = None,
        facts: dict[str, Any] | None = None,
    ) -> "Model":
        """Return the model with the given parts of a quantizer replaced; `facts` go into its entry of the card."""
        entry = {**self.quantizer_card(quantizer), **(facts or {})}
        if operating_points is not None:
            entry["operating_points"] = [list(point) for point in operating_points]
        arrays = dict(self.file.tables)
        if tables is not None:
            arrays[f"{quantizer}.tables"] = tables.frequency
        if offsets is not None:
            arrays[f"{quantizer}.offsets"] = offsets
        card = {**self.card, "quantizers": {**self.card.get("quantizers", {}), quantizer: entry}}
        return Model.of(replace(self.file, card=card, tables=arrays))

    def with_rounded_tables(self, tables: Mapping[str, Tables]) -> "Model":
        """Return the model with other tables of passes that are rounded, by name."""
        arrays = {f"{name}.tables": each.frequency for name, each in tables.items()}
        return Model.of(replace(self.file, tables={**self.file.tables, **arrays}))

    def with_sensitivity(self, logs: Floats) -> "Model":
        """Return the model with another sensitivity of channels: natural logs and slopes, float32 (2, C)."""
        encoder = {**self.file.arrays["encoder"], SENSITIVITY: logs}
        return Model.of(replace(self.file, arrays={**self.file.arrays, "encoder": encoder}))

    def quantizer_of(self, other: "Model", quantizer: str) -> "Model":
        """Return this model with all that another's calibration and fitting found for a quantizer."""
        rounded = (f"{name}.tables" for name in self.schedule.rounded_tables)
        names = (f"{quantizer}.tables", f"{quantizer}.offsets", *rounded)
        tables = {name: other.file.tables[name] for name in names if name in other.file.tables}
        encoder = other.file.arrays["encoder"]
        kept = {SENSITIVITY: encoder[SENSITIVITY]} if SENSITIVITY in encoder else {}
        quantizers = {**self.card.get("quantizers", {}), quantizer: other.quantizer_card(quantizer)}
        return Model.of(
            replace(
                self.file,
                card={**self.card, "quantizers": quantizers},
                tables={**self.file.tables, **tables},
                arrays={**self.file.arrays, "encoder": {**self.file.arrays["encoder"], **kept}},
            )
        )
