"""How long networks take in onnxruntime, on one thread, beside a reference that is run in the same rounds."""

import statistics
import time
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from experiments.designs.cells import CELLS, Cell
from trellic.networks.blocks import block
from trellic.networks.codec import TrainableCodec
from trellic.networks.graphs import to_graph
from trellic.networks.near import near_block
from trellic.networks.options import Attend, Gdn, Leaky, Near, Shrink
from trellic.networks.priors.attend import Attended

WIDTH, INNER, HEIGHT, ACROSS = 320, 384, 32, 48
"""Of blocks; and the positions at 1/16 of a picture of 768×512."""
ROUNDS = 24
BLOCKS = {
    "leaky": lambda: block("inverted", WIDTH, INNER, Leaky()),
    "soft": lambda: block("inverted", WIDTH, INNER, Shrink()),
    "hard": lambda: block("inverted", WIDTH, INNER, Shrink(soft=False)),
    "gdn": lambda: block("inverted", WIDTH, INNER, Gdn()),
    "dense": lambda: block("dense", WIDTH, 128),
    "near": lambda: near_block(WIDTH, Near()),
    "near, a quarter as wide": lambda: near_block(WIDTH, Near(16, 1)),
    "attend": lambda: Attended(WIDTH, Attend()),
}


class Timed:
    """A network, exported, and inputs for it: the planes of a picture of 768×512, at 1/16, or shrunken further."""

    def __init__(self, network: nn.Module, *channels: int, shrink: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        examples = tuple(torch.zeros(1, count, 8, 8) if count else torch.ones(1, 1, 1, 1) for count in channels)
        graph, arrays = to_graph(network.eval(), examples, {}, "timed")
        self.session = onnxruntime.InferenceSession(graph.to_onnx(arrays), options, providers=["CPUExecutionProvider"])
        random = np.random.default_rng(0)
        size = HEIGHT // shrink, ACROSS // shrink
        shapes = [(1, count, *size) if count else (1, 1, 1, 1) for count in channels]
        values = [random.normal(size=shape).astype(np.float32) for shape in shapes]
        self.inputs = dict(zip(graph.inputs, values, strict=True))

    def run(self) -> float:
        """Return the seconds of CPU time of one run."""
        began = time.process_time()
        self.session.run(None, self.inputs)
        return time.process_time() - began


def times() -> list[dict[str, Any]]:
    """Return the times of blocks beside LeakyReLU's, and of each cell's decoder beside that of its reference."""
    blocks = {name: [Timed(made(), WIDTH)] for name, made in BLOCKS.items()}
    lines = [{"block": name, **found} for name, found in _beside(blocks, "leaky").items()]
    for comparison in dict.fromkeys(cell.comparison for cell in CELLS):
        cells = [cell for cell in CELLS if cell.comparison == comparison]
        decoders = {cell.option: list(_decoder(cell)) for cell in cells}
        found = _beside(decoders, cells[0].reference)
        lines += [{"decoder": name, "of": comparison, **each} for name, each in found.items()]
    return lines


def _decoder(cell: Cell) -> Iterator[Timed]:
    """Yield what differs in a decoder: the synthesis, or networks of the prior."""
    codec, prior = TrainableCodec(cell.design), cell.design.prior
    if not cell.of_prior:
        yield Timed(codec.synthesis, cell.design.latents, 0)
        return
    yield Timed(codec.network("hyper_synthesis"), prior.z, 0, shrink=4)
    for number, (start, _) in enumerate(pairwise(accumulate(prior.groups, initial=0))):
        earlier = (start,) if start else ()
        yield Timed(codec.network(f"first_{number}"), prior.features, *earlier)


def _beside(networks: dict[str, list[Timed]], reference: str) -> dict[str, dict[str, float]]:
    """Return the median over rounds of each one's ratio to the reference, and of milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(ROUNDS):
        for name, timed in networks.items():
            taken[name].append(sum(each.run() for each in timed))
    return {
        name: {
            "ratio": statistics.median(own / other for own, other in zip(found, taken[reference], strict=True)),
            "milliseconds": 1000 * statistics.median(found),
        }
        for name, found in taken.items()
    }
