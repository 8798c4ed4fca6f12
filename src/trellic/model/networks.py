"""The runtime: a model's networks as functions on numpy arrays, executed by onnxruntime.

Threads divide the outputs of a convolution between them, never one sum: the networks between bytes and table rows
give the same floats for any number of threads (a test holds that).
"""

import math
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import ROWS, Tables
from trellic.errors import BadRequest, DamagedModel
from trellic.model.file import ModelFile
from trellic.quantize.levels import POINTS, Points, no_points

Floats = npt.NDArray[np.float32]


class Networks:
    """Networks of one model, each loaded when it is first needed.

    Shapes: picture (3, H, W); latents (C, H/16, W/16); side (S, H/64, W/64). `quality` is in [0, 1].
    """

    def __init__(self, file: ModelFile, threads: int = 0) -> None:
        """Use `threads` threads, or as many as there are processors where it is 0. Raises DamagedModel."""
        self.file = file
        self.threads = threads
        self._sessions: dict[str, Any] = {}
        self._lock = Lock()
        self._loaded: dict[str, Tables] = {}
        try:
            design = file.card["design"]
            self.groups: tuple[int, ...] = tuple(int(size) for size in design["groups"])
            self.latents = int(design["latents"])
            self.side = int(design["hyper"])
            self.context = bool(design["context"])
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedModel(f"model {file.name}: its card lacks a design") from error

    @cached_property
    def _gains(self) -> Floats:
        return self.file.array("gains.npy")

    @cached_property
    def _side_scales(self) -> Floats:
        return self.file.array("side_scales.npy")

    @cached_property
    def _sensitivity(self) -> Floats:
        if "sensitivity.npy" not in self.file.entries:
            return np.zeros((2, self.latents), np.float32)
        return self.file.array("sensitivity.npy")

    def knots(self, quantizer: str) -> tuple[tuple[float, float, float], ...]:
        """Return what calibration found for a quantizer: (quality 0 to 1, step in 1/1024, strength) in order, or ()."""
        found = self.file.card.get("quantizers", {}).get(quantizer, {}).get("knots", [])
        try:
            knots = tuple((float(quality), float(step), float(strength)) for quality, step, strength in found)
        except (TypeError, ValueError) as error:
            raise DamagedModel(f"model {self.file.name}: its card's knots of {quantizer} are no triples") from error
        if not all(1 <= step <= 65535 and 0 <= strength < math.inf for _, step, strength in knots):
            raise DamagedModel(f"model {self.file.name}: its card's knots of {quantizer} cannot be")
        return knots

    @cached_property
    def side_tables(self) -> Tables:
        """The tables of the side information. Raises DamagedModel."""
        return self._tables("tables_side.npy" if "tables_side.npy" in self.file.entries else "tables.npy", 1)

    def tables_for(self, quantizer: str, kinds: int) -> tuple[Tables, Points]:
        """Return a quantizer's tables of so many kinds and its points: its own, else those that export gave to all.

        Raises DamagedModel, or BadRequest where a model has nothing for a trellis.
        """
        own, common = f"tables_{quantizer}.npy", "tables.npy" if kinds == 1 else "tables_trellis.npy"
        entry = own if own in self.file.entries else common
        if entry not in self.file.entries:
            raise BadRequest(f"model {self.file.name} has no tables for {quantizer}")
        points = f"points_{quantizer}.npy"
        if points not in self.file.entries:
            return self._tables(entry, kinds), no_points(kinds)
        found = self.file.array(points)
        if found.dtype != np.int16 or found.shape != (ROWS * kinds, POINTS):
            raise DamagedModel(f"model {self.file.name}: {points} is {found.dtype} {found.shape}")
        return self._tables(entry, kinds), found

    def _tables(self, entry: str, kinds: int) -> Tables:
        if entry not in self._loaded:
            try:
                self._loaded[entry] = Tables.of_flat(self.file.array(entry))
            except ValueError as error:
                raise DamagedModel(f"model {self.file.name}: {error}") from error
        if self._loaded[entry].kinds != kinds:
            raise DamagedModel(f"model {self.file.name}: {entry} is not of {kinds} kinds")
        return self._loaded[entry]

    def weights(self, quality: float) -> Floats:
        """Return what the squared error of a latent of each channel is worth, 1 on average, float32 (C,)."""
        weights: Floats = np.exp(self._sensitivity[0] + self._sensitivity[1] * np.float32(quality))
        return weights

    def gain(self, quality: float) -> Floats:
        """Return the encoder's factor for each latent channel, float32 (C, 1, 1)."""
        return np.exp(self._gains[0] + self._gains[1] * np.float32(quality))[:, None, None]

    def side_log_scales(self, quality: float) -> Floats:
        """Return the natural log scale of each channel of z, float32 (S,)."""
        scales: Floats = self._side_scales[0] + self._side_scales[1] * np.float32(quality)
        return scales

    def analysis(self, picture: Floats) -> Floats:
        """Return latents before gains."""
        return self._run("analysis", picture)[0]

    def hyper_analysis(self, latents: Floats) -> Floats:
        """Return the side information, not rounded, of gained latents."""
        return self._run("hyper_analysis", latents)[0]

    def hyper_synthesis(self, side: Floats, quality: float) -> Floats:
        """Return the features that every step starts from."""
        return self._run("hyper_synthesis", side, np.full((1, 1, 1), quality, np.float32))[0]

    def first(self, group: int, features: Floats, earlier: Floats) -> tuple[Floats, Floats, Floats]:
        """Return a group's own features, and mean and log scale of its first half."""
        arguments = (features, earlier) if group and self.context else (features,)
        own, mean, log_scale = self._run(f"first_{group}", *arguments)
        return own, mean, log_scale

    def second(self, group: int, own: Floats, anchors: Floats) -> tuple[Floats, Floats]:
        """Return mean and log scale of a group's second half, given its first (zero elsewhere)."""
        mean, log_scale = self._run(f"second_{group}", own, anchors)
        return mean, log_scale

    def synthesis(self, latents: Floats, quality: float) -> npt.NDArray[np.uint8]:
        """Return the picture, uint8 (3, H, W)."""
        picture: npt.NDArray[np.uint8] = self._run("synthesis", latents, np.full((1, 1, 1), quality, np.float32))[0]  # type: ignore[assignment]
        return picture

    def _run(self, name: str, *arrays: Floats) -> list[Floats]:
        with self._lock:  # of several threads that need a network, one loads it
            session = self._sessions.get(name) or self._load(name)
        try:
            names = [entry.name for entry in session.get_inputs()]
            feeds = {key: array[None] for key, array in zip(names, arrays, strict=True)}
            return [output[0] for output in session.run(None, feeds)]
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            raise DamagedModel(f"model {self.file.name}: network {name} cannot be run") from error

    def _load(self, name: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(
                self.file.entries[f"{name}.onnx"], options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            raise DamagedModel(f"model {self.file.name}: network {name} cannot be loaded") from error
        self._sessions[name] = session
        return session
