"""Every operation that a graph may have computes in the browser what onnxruntime computes."""

from dataclasses import replace

import numpy as np
import pytest

from conftest import GOLDEN, sections_of, textured
from experiments.browser.node import in_node
from second_decoder import node
from trellic.codec import Codec
from trellic.container import write_stream
from trellic.model import Model
from trellic.model.graph import OPERATIONS, Graph, Operation
from trellic.web.operations import KINDS
from trellic.web.pack import pack_decoder

CHANNELS = 12
ARRAYS = {
    "dense": (12, 12, 3, 3), "strided": (12, 12, 2, 2), "grouped": (12, 4, 3, 2), "depthwise": (12, 1, 3, 3),
    "wide": (12, 1, 5, 5), "transposed": (12, 12, 3, 3), "doubled": (12, 12, 2, 2), "bias": (12,),
    "scale": (1, 12, 1, 1), "up": (48, 12, 1, 1), "tail": (768, 12, 1, 1),
}  # fmt: skip
CONSTANTS = {"half": 0.5, "tenth": 0.1, "zero": 0.0, "one": 1.0, "most": 255.0, "low": -0.5, "high": 0.75}


def operation(kind: str, reads: str, writes: str, **attributes) -> Operation:
    return Operation(kind, tuple(reads.split()), tuple(writes.split()), attributes)


def conv(weights: str, writes: str = "made", reads: str = "latents", pads=(0, 0, 0, 0), **attributes) -> Operation:
    return operation("Conv", f"{reads} {weights} bias", writes, pads=list(pads), **attributes)


POSITIVE = operation("Abs", "latents", "positive")
CASES = {
    **{kind: (operation(kind, "latents", "made"),) for kind in ("Abs", "Neg", "Relu", "Round", "Sign")},
    **{kind: (operation(kind, "latents scale", "made"),) for kind in ("Add", "Sub", "Mul", "Div", "Max", "Min")},
    "Sub of a number": (operation("Sub", "half latents", "made"),),
    "Mul of itself": (operation("Mul", "latents latents", "made"),),
    "Sqrt": (POSITIVE, operation("Sqrt", "positive", "made")),
    "Log": (POSITIVE, operation("Add", "positive half", "more"), operation("Log", "more", "made")),
    "Exp": (operation("Mul", "latents tenth", "less"), operation("Exp", "less", "made")),
    "Clip": (operation("Clip", "latents low high", "made"),),
    "Clip from below": (operation("Clip", "latents low", "made"),),
    "LeakyRelu": (operation("LeakyRelu", "latents", "made", alpha=0.25),),
    "Cast": (operation("Cast", "latents", "made", to=1),),
    "Concat": (
        operation("Split", "latents", "a b c", axis=1, num_outputs=3),
        operation("Concat", "c a b", "made", axis=1),
    ),
    "Split unevenly": (
        operation("Conv", "latents up", "deep"),
        operation("Split", "deep", "a b c d e", axis=1, num_outputs=5),
        operation("Concat", "e d c b a", "mixed", axis=1),
        operation("DepthToSpace", "mixed", "large", blocksize=2, mode="CRD"),
        conv("strided", reads="large", strides=[2, 2]),
    ),
    "Conv": (conv("dense", pads=(1, 1, 1, 1)),),
    "Conv and LeakyRelu": (conv("dense", "sums", pads=(1, 1, 1, 1)), operation("LeakyRelu", "sums", "made", alpha=0.1)),
    "Conv dilated": (conv("dense", pads=(2, 2, 2, 2), dilations=[2, 2]),),
    "Conv in groups": (conv("grouped", pads=(1, 1, 1, 0), group=3),),
    "Conv depthwise": (conv("depthwise", pads=(1, 1, 1, 1), group=12),),
    "Conv depthwise, wide": (conv("wide", pads=(2, 2, 2, 2), group=12),),
    "Conv without bias": (operation("Conv", "latents dense", "made", pads=[1, 1, 1, 1]),),
    "ConvTranspose": (
        operation("ConvTranspose", "latents doubled bias", "large", strides=[2, 2]),
        conv("strided", reads="large", strides=[2, 2]),
    ),
    "ConvTranspose padded": (
        operation(
            "ConvTranspose", "latents transposed", "large", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]
        ),
        conv("strided", reads="large", strides=[2, 2]),
    ),
    "DepthToSpace": (
        operation("Conv", "latents up", "deep"),
        operation("DepthToSpace", "deep", "large", blocksize=2, mode="DCR"),
        conv("strided", reads="large", strides=[2, 2]),
    ),
    **{
        f"Pad {mode}": (operation("Pad", "latents amounts", "large", mode=mode), conv("dense", reads="large"))
        for mode in ("constant", "edge", "reflect")
    },
}  # fmt: skip
TAIL = (
    operation("Conv", "made tail", "deep_samples"),
    operation("DepthToSpace", "deep_samples", "samples", blocksize=16, mode="CRD"),
    operation("Add", "samples half", "shifted"),
    operation("Clip", "shifted zero one", "bounded"),
    operation("Mul", "bounded most", "scaled"),
    operation("Round", "scaled", "rounded"),
    operation("Cast", "rounded", "pixels", to=2),
)
"""From a case's twelve channels to pixels."""


def with_synthesis(model: Model, operations: tuple[Operation, ...]) -> Model:
    """Return the model with other operations in its synthesis, their weights random."""
    random = np.random.default_rng(0)
    arrays = {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in ARRAYS.items()}
    constants = {name: np.array(value, np.float32) for name, value in CONSTANTS.items()}
    constants["amounts"] = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    used = {name for one in operations for name in one.reads}
    graph = Graph(
        ("latents", "quality"), ("pixels",), operations, {name: name for name in ARRAYS if name in used},
        {name: values for name, values in constants.items() if name in used}, True,
    )  # fmt: skip
    graphs = {**model.file.graphs["decoder"], "synthesis": graph}
    file = replace(model.file, graphs={**model.file.graphs, "decoder": graphs})
    return Model.of(replace(file, arrays={**file.arrays, "decoder": {**file.arrays["decoder"], **arrays}}))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The pixels of each case, by Python and in Node."""
    folder = tmp_path_factory.mktemp("operations")
    golden = Codec(str(GOLDEN / "golden.trm"), 1)
    header, sections = sections_of(golden.encode(textured(64, 128), 90))
    streams, halves, expected = {}, {}, {}
    for number, (name, operations) in enumerate(CASES.items()):
        model = with_synthesis(golden.model, (*operations, *TAIL))
        path = folder / f"{number}.trm"
        path.write_bytes(model.pack())
        streams[str(number)] = write_stream(replace(header, model=model.sha256[:4]), sections)
        halves[f"half_{number}"] = pack_decoder(model)
        expected[name] = Codec(str(path), 1).decode(streams[str(number)])
    found = in_node(folder, streams, halves)
    return {name: (np.asarray(expected[name]), found[str(number)]) for number, name in enumerate(CASES)}


@node
@pytest.mark.parametrize("name", CASES)
def test_an_operation_computes_what_onnxruntime_computes(results, name):
    expected, found = results[name]
    assert "data" in found, found
    assert expected.std() > 1
    assert np.abs(found["data"][:, :, :3].astype(int) - expected).max() <= 1


def test_every_operation_is_packed_and_checked():
    checked = {one.kind for operations in (*CASES.values(), TAIL) for one in operations}
    assert checked == set(OPERATIONS) == set(KINDS) - {""}
