"""How long one residual block takes in onnxruntime with each activation, on one thread, beside LeakyReLU's."""

import statistics
import time
from typing import Any

import numpy as np
import onnxruntime
import torch

from trellic.networks.blocks import block
from trellic.networks.graphs import to_graph
from trellic.networks.options import Gdn, Leaky, Shrink

WIDTH, INNER, HEIGHT, ACROSS = 320, 384, 32, 48
ROUNDS = 40
BLOCKS = {
    "leaky": block("inverted", WIDTH, INNER, Leaky()),
    "soft": block("inverted", WIDTH, INNER, Shrink()),
    "hard": block("inverted", WIDTH, INNER, Shrink(soft=False)),
    "gdn": block("inverted", WIDTH, INNER, Gdn()),
}


def block_times() -> list[dict[str, Any]]:
    """Return each block's median of ratios of its time to the time of LeakyReLU's in the same round."""
    sessions = {name: _session(network) for name, network in BLOCKS.items()}
    values = {"features": np.random.default_rng(0).normal(size=(1, WIDTH, HEIGHT, ACROSS)).astype(np.float32)}
    times: dict[str, list[float]] = {name: [] for name in BLOCKS}
    for _ in range(ROUNDS):
        for name, session in sessions.items():
            began = time.process_time()
            session.run(None, values)
            times[name].append(time.process_time() - began)
    ratios = {
        name: [own / other for own, other in zip(found, times["leaky"], strict=True)] for name, found in times.items()
    }
    return [
        {"block": name, "ratio": statistics.median(ratios[name]), "milliseconds": 1000 * statistics.median(times[name])}
        for name in BLOCKS
    ]


def _session(network: torch.nn.Module) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph, arrays = to_graph(network, (torch.randn(1, WIDTH, 8, 8),), {}, "block")
    return onnxruntime.InferenceSession(graph.to_onnx(arrays), options, providers=["CPUExecutionProvider"])
