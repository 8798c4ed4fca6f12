"""The runtime: a model's graphs as functions on numpy arrays, executed by onnxruntime.

Threads divide the outputs of a convolution between them, never one sum: the networks between bytes and table indices
give the same floats for any number of threads (a test holds that).
"""

import ctypes
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from trellic.errors import DamagedModel, OutOfMemory
from trellic.model.arrays import Arrays
from trellic.model.graph import Graph
from trellic.model.model import Floats, Model
from trellic.processors import processors

MOST_MEMORY = 1 << 34
"""Bytes that all networks of a process may hold at a time: a model that asks for more is refused."""
Provider = tuple[str, dict[str, str]]
"""What onnxruntime calls a device, and options for it."""
CPU: Provider = ("CPUExecutionProvider", {})
_LOADING = Lock()


@cache
def _share_arena() -> None:
    """Let all networks of this process share one arena: each would keep the most that it ever took."""
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    where = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    with suppress(Exception):  # another library in this process may have done so; then that one is shared
        onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(MOST_MEMORY, -1, -1, -1))


_ALIVE: "WeakSet[Runtime]" = WeakSet()


def _leave_to_parent() -> None:
    """In a forked child, leave all networks alone, as their threads are the parent's, and load them again when needed.

    They are never freed: that would wait for the threads for ever.
    """
    global _LOADING
    _LOADING = Lock()
    for runtime in list(_ALIVE):
        for session in runtime._sessions.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
        runtime._sessions, runtime._lock = {}, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


class Networks(Protocol):
    """What holds networks by name: a model, or a companion of one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    def network(self, name: str) -> tuple[Graph, Arrays]: ...  # noqa: D102


class Runtime:
    """Networks that are run, each loaded when it is first needed.

    threads  of each network; 0 for as many as there are processors
    devices  of networks that do not run on the processor
    """

    def __init__(
        self, networks: Networks, threads: int = 0, devices: Mapping[str, Provider] = MappingProxyType({})
    ) -> None:
        self.networks, self.devices = networks, devices
        self.threads = threads or processors()
        self._sessions: dict[str, Any] = {}
        self._lock = Lock()
        _ALIVE.add(self)

    def run(self, graph: str, arrays: list[Floats]) -> list[npt.NDArray[Any]]:
        """Return a graph's outputs, each (C, H, W), for inputs (C, H, W) or scalars.

        Outputs are float32 or uint8, and never empty; what their shapes must be is for the caller to check. Raises
        DamagedModel or OutOfMemory.
        """
        with self._lock:  # of several threads that need a network, one loads it
            session = self._sessions.get(graph) or self._load(graph)
        try:
            names = [entry.name for entry in session.get_inputs()]
            feeds = {
                name: np.ascontiguousarray(array, np.float32).reshape((1,) * (4 - np.ndim(array)) + np.shape(array))
                for name, array in zip(names, arrays, strict=True)
            }
            outputs = [np.asarray(output) for output in session.run(None, feeds)]
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            if isinstance(error, MemoryError) or "allocate memory" in str(error):
                raise OutOfMemory(f"network {graph} has not enough memory") from error
            raise DamagedModel(f"model {self.networks.name}: network {graph} cannot be run") from error
        if not all(
            one.ndim == 4 and len(one) == 1 and one.size and one.dtype in (np.float32, np.uint8) for one in outputs
        ):
            raise DamagedModel(f"model {self.networks.name}: network {graph} gives {[one.shape for one in outputs]}")
        return [output[0] for output in outputs]

    def _load(self, graph: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 4
        options.enable_mem_pattern = False  # a second arena, without measurable gain
        with _LOADING:
            _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        network, weights = self.networks.network(graph)
        device = self.devices.get(graph, CPU)
        try:
            data = network.to_onnx(weights)
            session = onnxruntime.InferenceSession(
                data, options, providers=[device] if device == CPU else [device, CPU]
            )
        except Exception as error:  # onnxruntime raises its own kinds, none of them public
            raise DamagedModel(f"model {self.networks.name}: network {graph} cannot be loaded") from error
        self._sessions[graph] = session
        return session


class Sessions(Runtime):
    """The networks of one model; see `Runtime`."""

    def __init__(self, model: Model, threads: int = 0, devices: Mapping[str, Provider] = MappingProxyType({})) -> None:
        super().__init__(model, threads, devices)
        self.model = model
