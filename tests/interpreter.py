"""A slow interpreter of a model's graphs, in numpy alone: what any other decoder may be written from."""

from itertools import product

import numpy as np

from trellic.model.graph import Graph


def convolve(values: np.ndarray, weight: np.ndarray, bias: np.ndarray, pad: int, stride: int) -> np.ndarray:
    """Return a depthwise 3×3 convolution, or one of all channels without padding, summed in double precision."""
    values, weight = values.astype(np.float64), weight.astype(np.float64)
    if not pad:
        side = range(weight.shape[-1])
        parts = (np.einsum("oi,nihw->nohw", weight[:, :, y, x], values[:, :, y::stride, x::stride])
                 for y, x in product(side, side))  # fmt: skip
        result = sum(parts)
    else:
        padded = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        height, width = values.shape[2:]
        result = sum(
            weight[None, :, 0, y, x, None, None] * padded[:, :, y : y + height, x : x + width]
            for y, x in product(range(3), range(3))
        )
    return (result + bias[:, None, None]).astype(np.float32)


def depth_to_space(values: np.ndarray) -> np.ndarray:
    n, channels, height, width = values.shape
    parts = values.reshape(n, channels // 4, 2, 2, height, width).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, channels // 4, 2 * height, 2 * width)


ELEMENTWISE = {"Add": np.add, "Mul": np.multiply, "Div": np.divide, "Max": np.maximum, "Min": np.minimum,
               "Clip": np.clip, "Round": np.rint, "Sub": np.subtract, "Neg": np.negative}  # fmt: skip


def interpret(graph: Graph, arrays: dict[str, np.ndarray], inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Run a graph on inputs (C, H, W)."""
    values = dict(graph.constants)
    values |= {name: arrays[array].astype(np.float32) for name, array in graph.weights.items()}
    values |= {name: np.asarray(value)[None] for name, value in zip(graph.inputs, inputs, strict=True)}
    for one in graph.operations:
        own = [values[name] for name in one.reads if name]
        match one.kind:
            case "Conv":
                assert one.attributes.get("group", 1) == (len(own[1]) if own[1].shape[-1] == 3 else 1)
                found = [convolve(*own, one.attributes.get("pads", [0])[0], one.attributes["strides"][0])]
            case "LeakyRelu":
                found = [np.where(own[0] < 0, own[0] * np.float32(one.attributes["alpha"]), own[0])]
            case "Concat":
                found = [np.concatenate(own, one.attributes["axis"])]
            case "Split":
                found = np.split(own[0], len(one.writes), one.attributes["axis"])
            case "DepthToSpace":
                assert one.attributes["mode"] == "CRD"
                found = [depth_to_space(own[0])]
            case kind:
                found = [ELEMENTWISE[kind](*own)]
        values |= dict(zip(one.writes, found, strict=True))
    return [values[name][0] for name in graph.outputs]
