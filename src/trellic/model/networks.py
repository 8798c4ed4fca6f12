"""The runtime: a model's networks as functions on numpy arrays, executed by onnxruntime.

Threads divide the outputs of a convolution between them, never one sum: the networks between bytes and table rows
give the same floats for any number of threads (a test holds that).
"""

import math
from contextlib import suppress
from functools import cache, cached_property
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from trellic.entropy.tables import SCALES, Tables
from trellic.errors import BadRequest, DamagedModel
from trellic.model.file import ModelFile, matches
from trellic.quantize.levels import OFFSETS, Offsets, no_offsets
from trellic.quantize.settings import OperatingPoint

Floats = npt.NDArray[np.float32]
Shape = tuple[int | None, ...]

MOST_CHANNELS = 1 << 12
LARGEST_LOG = 32.0
"""Bound of what is exponentiated, so that no gain or weight leaves single precision."""


_LOADING = Lock()


@cache
def _share_arena() -> None:
    """Let all networks of this process share one arena: each would keep the most that it ever took."""
    import onnxruntime

    level_set = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    where = onnxruntime.OrtMemoryInfo("Cpu", level_set, 0, onnxruntime.OrtMemType.DEFAULT)
    with suppress(Exception):  # another library in this process may have done so; then that one is shared
        onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(0, -1, -1, -1))


class Networks:
    """Networks of one model, each loaded when it is first needed.

    Shapes: picture (3, H, W); latents (C, H/16, W/16); z (S, H/64, W/64). `quality` is in [0, 1].
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
            self.groups: tuple[int, ...] = tuple(design["groups"])
            self.latents: int = design["latents"]
            self.z_channels: int = design["hyper"]
            self.context: bool = design["context"]
        except (KeyError, TypeError) as error:
            raise DamagedModel(f"model {file.name}: its card lacks a design") from error
        counts = (*self.groups, self.latents, self.z_channels)
        possible = all(type(count) is int and 1 <= count <= MOST_CHANNELS for count in counts)
        if not possible or sum(self.groups) != self.latents or not isinstance(self.context, bool):
            raise DamagedModel(f"model {file.name}: its card's design cannot be")

    @cached_property
    def _gains(self) -> Floats:
        return self._logs("gains.npy", self.latents)

    @cached_property
    def _z_scales(self) -> Floats:
        return self._logs("side_scales.npy", self.z_channels)

    @cached_property
    def _sensitivity(self) -> Floats:
        if "sensitivity.npy" not in self.file.entries:
            return np.zeros((2, self.latents), np.float32)
        return self._logs("sensitivity.npy", self.latents)

    def _logs(self, entry: str, channels: int) -> Floats:
        """Return a natural log at quality 0 and its slope for each channel, (2, channels)."""
        logs: Floats = self.file.array(entry, np.float32, (2, channels))
        if not (np.abs(logs) <= LARGEST_LOG).all():
            raise DamagedModel(f"model {self.file.name}: {entry} holds numbers that cannot be")
        return logs

    def operating_points(self, quantizer: str) -> tuple[OperatingPoint, ...]:
        """Return what calibration found for a quantizer, quality rising, or ()."""
        found = self.file.quantizer_card(quantizer).get("knots", [])
        try:
            operating_points = tuple(
                OperatingPoint(float(quality), float(step), float(rate_weight)) for quality, step, rate_weight in found
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise DamagedModel(
                f"model {self.file.name}: its card's operating points of {quantizer} are no triples"
            ) from error
        order = [-math.inf, *(quality for quality, _, _ in operating_points), math.inf]
        rising = all(before < after for before, after in pairwise(order))
        if not rising or not all(
            1 <= step <= 65535 and 0 <= rate_weight < math.inf for _, step, rate_weight in operating_points
        ):
            raise DamagedModel(f"model {self.file.name}: its card's operating points of {quantizer} cannot be")
        return operating_points

    @cached_property
    def z_tables(self) -> Tables:
        """The tables of z. Raises DamagedModel."""
        return self._tables("tables_side.npy" if "tables_side.npy" in self.file.entries else "tables.npy", 1)

    def tables_for(self, quantizer: str, sets: int) -> tuple[Tables, Offsets]:
        """Return a quantizer's tables of so many sets and its offsets: its own, else those that export gave to all.

        Raises DamagedModel, or BadRequest where a model has nothing for a trellis.
        """
        own, common = f"tables_{quantizer}.npy", "tables.npy" if sets == 1 else "tables_trellis.npy"
        entry = own if own in self.file.entries else common
        if entry not in self.file.entries:
            raise BadRequest(f"model {self.file.name} has no tables for {quantizer}")
        offsets = f"points_{quantizer}.npy"
        if offsets not in self.file.entries:
            return self._tables(entry, sets), no_offsets(sets)
        return self._tables(entry, sets), self.file.array(offsets, np.int16, (SCALES * sets, OFFSETS))

    def _tables(self, entry: str, sets: int) -> Tables:
        if entry not in self._loaded:
            try:
                self._loaded[entry] = Tables.of_flat(self.file.array(entry, np.uint32, (None,)))
            except ValueError as error:
                raise DamagedModel(f"model {self.file.name}: {error}") from error
        if self._loaded[entry].sets != sets:
            raise DamagedModel(f"model {self.file.name}: {entry} is not of {sets} sets")
        return self._loaded[entry]

    def weights(self, quality: float) -> Floats:
        """Return what the squared error of a latent of each channel is worth, 1 on average, float32 (C,)."""
        weights: Floats = np.exp(self._sensitivity[0] + self._sensitivity[1] * np.float32(quality))
        return weights

    def gain(self, quality: float) -> Floats:
        """Return the encoder's factor for each latent channel, float32 (C, 1, 1)."""
        return np.exp(self._gains[0] + self._gains[1] * np.float32(quality))[:, None, None]

    def z_log_scales(self, quality: float) -> Floats:
        """Return the natural log scale of each channel of z, float32 (S,)."""
        scales: Floats = self._z_scales[0] + self._z_scales[1] * np.float32(quality)
        return scales

    def analysis(self, picture: Floats) -> Floats:
        """Return latents before gains."""
        _, height, width = picture.shape
        return self._finite("analysis", [picture], (self.latents, height // 16, width // 16))

    def hyper_analysis(self, latents: Floats) -> Floats:
        """Return z, not rounded, of gained latents."""
        _, height, width = latents.shape
        return self._finite("hyper_analysis", [latents], (self.z_channels, height // 4, width // 4))

    def hyper_synthesis(self, z: Floats, quality: float) -> Floats:
        """Return the features that every step starts from."""
        _, height, width = z.shape
        arguments = [z, np.full((1, 1, 1), quality, np.float32)]
        return self._run("hyper_synthesis", arguments, [(None, 4 * height, 4 * width)])[0]

    def first(self, group: int, features: Floats, earlier: Floats) -> tuple[Floats, Floats, Floats]:
        """Return a group's own features, and mean and log scale of its first half."""
        arguments = [features, earlier] if group and self.context else [features]
        place = features.shape[1:]
        each = (self.groups[group], *place)
        own, mean, log_scale = self._run(f"first_{group}", arguments, [(None, *place), each, each])
        return own, mean, log_scale

    def second(self, group: int, own: Floats, anchors: Floats) -> tuple[Floats, Floats]:
        """Return mean and log scale of a group's second half, given its first (zero elsewhere)."""
        mean, log_scale = self._run(f"second_{group}", [own, anchors], [anchors.shape] * 2)
        return mean, log_scale

    def synthesis(self, latents: Floats, quality: float) -> npt.NDArray[np.uint8]:
        """Return the picture, uint8 (3, H, W)."""
        _, height, width = latents.shape
        arguments = [latents, np.full((1, 1, 1), quality, np.float32)]
        picture: npt.NDArray[np.uint8] = self._run("synthesis", arguments, [(3, 16 * height, 16 * width)], np.uint8)[0]
        return picture

    def _finite(self, name: str, arrays: list[Floats], shape: Shape) -> Floats:
        """Run a network of the encoder: quantizers and kernels rely on finite numbers."""
        found: Floats = self._run(name, arrays, [shape])[0]
        if not np.isfinite(found).all():
            raise DamagedModel(f"model {self.file.name}: network {name} gives numbers that are not finite")
        return found

    def _run(
        self, name: str, arrays: list[Floats], shapes: list[Shape], dtype: npt.DTypeLike = np.float32
    ) -> list[npt.NDArray[Any]]:
        """Return a network's outputs, of that type and these shapes: kernels go by them without looking again."""
        with self._lock:  # of several threads that need a network, one loads it
            session = self._sessions.get(name) or self._load(name)
        try:
            names = [entry.name for entry in session.get_inputs()]
            feeds = {key: array[None] for key, array in zip(names, arrays, strict=True)}
            outputs = [np.asarray(output)[0] for output in session.run(None, feeds)]
            fitting = [
                output.dtype == dtype and matches(output.shape, shape)
                for output, shape in zip(outputs, shapes, strict=True)
            ]
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            raise DamagedModel(f"model {self.file.name}: network {name} cannot be run") from error
        if not all(fitting):
            raise DamagedModel(f"model {self.file.name}: network {name} gives {[each.shape for each in outputs]}")
        return outputs

    def _load(self, name: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # a second arena beside the first, quicker by nothing that was measured
        with _LOADING:
            _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(
                self.file.entries[f"{name}.onnx"], options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            raise DamagedModel(f"model {self.file.name}: network {name} cannot be loaded") from error
        self._sessions[name] = session
        return session
