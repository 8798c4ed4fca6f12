"""Streams of earlier releases decode for ever: to the same latents exactly, to the same pixels within one."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN
from trellic import Codec
from trellic.codec.attached import adapter_of
from trellic.codec.picture_decoder import unit_decoder
from trellic.codec.resources import Resources
from trellic.codec.tiles import Workers
from trellic.container import Stream
from trellic.container.restoration import BANDED, PLAIN
from trellic.model import Model
from trellic.model.adapter import Adapter
from trellic.quantize import LATTICE, QUANTIZERS

LATENTS = {
    "uniform": "f24d3456563f1290",
    "deadzone": "f125e93bd7ba4f53",
    "rdoq": "3e39d2cddb265042",
    "tcq4": "7e09cb51a0dd586d",
    "tcq8": "4823370b59a793c5",
    "tcq16": "2ac3861a4338e827",
    "tcq32": "ecd5ec3e39af01b9",
    "tcq64": "151112c6469e2039",
    "tcq128": "0dfbdf69ec043de3",
    "tcq256": "4005cadf9987bfb7",
    "tcq512": "f4eb8a27b14b0e9c",
    "tcq1024": "6065a8ddecf05c29",
    "lattice": "5fe0eb644a05b87c",
    "tiles": "b8dc90467c72a13b",
    "adapter": "1fdf2044d99b9e3e",
    "blocks": "b43296864d1a435d",
    "prefixes": "14e8b7669e9887e4",
    "restored": "14e8b7669e9887e4",
    "restored_bands": "14e8b7669e9887e4",
    "layers": "e7c1c0416a7eb062",
    "layers_trits": "e17b3f839253a0d1",
    "layers_step": "08bf02c8bc2ad6a2",
    "adapter_layers": "08bf02c8bc2ad6a2",
}


@pytest.mark.parametrize("name", LATENTS)
def test_a_golden_stream_decodes_to_its_latents_and_picture(name):
    codec = Codec(str(GOLDEN / "golden.trm"))
    data = (GOLDEN / f"{name}.tlic").read_bytes()
    stream = Stream.parse(data)
    seen = hashlib.sha256()
    decode = unit_decoder(stream, Resources(codec.sessions, Workers(1, 1)))
    for unit in decode(range(stream.header.grid.tiles)):
        seen.update(unit.latents.astype("<f4").tobytes())
    assert seen.hexdigest()[:16] == LATENTS[name]
    decoded = codec.decode(data)
    assert decoded.getexif()[0x0112] == 3
    with Image.open(GOLDEN / f"{name}.png") as expected:
        assert decoded.size == expected.size
        assert np.array_equal(np.asarray(decoded.getchannel("A")), np.asarray(expected.getchannel("A")))
        assert np.abs(np.asarray(decoded).astype(int) - np.asarray(expected)).max() <= 1


def test_a_golden_adapter_is_the_one_of_its_stream():
    adapter = Adapter.read(GOLDEN / "golden.tra")
    held = adapter_of(Stream.parse((GOLDEN / "adapter.tlic").read_bytes()), adapter.base)
    assert (held.decoder, held.name) == (adapter.decoder, "20d7fc37edfff117")
    changed = adapter.attach_to(Model.read(GOLDEN / "golden.trm")).file.arrays
    values = b"".join(changed[half][name].tobytes() for half in sorted(changed) for name in sorted(changed[half]))
    assert hashlib.sha256(values).hexdigest()[:16] == "fdddfdc9072d464d"


FIRST_LAYERS = {
    "layers": ["12d4acf7", "b477138d", "08faabfe", "92c346b7", "b3b4f406", "1f22e773"],
    "layers_trits": ["e7854f6a", "1c6635b1", "617399d4"],
    "layers_step": ["212076ee", "f1c241cf", "afcd643f", "fc7826f1"],
    "adapter_layers": [
        *["212076ee", "fe0a7e34", "2a617687", "f1c241cf", "af14e6c3"],
        *["d9d367c6", "afcd643f", "9c522733", "5a74e6ff", "fc7826f1"],
    ],
}
"""Of the indices of the first layer, of the first two, and so on."""


@pytest.mark.parametrize("name", FIRST_LAYERS)
def test_every_prefix_of_a_golden_stream_in_layers_is_pinned(name):
    codec, stream = Codec(str(GOLDEN / "golden.trm"), 1), Stream.parse((GOLDEN / f"{name}.tlic").read_bytes())
    prefixes = [stream.keeping(layers) for layers in range(1, stream.layer_count + 1)]
    assert [codec.verify(prefix)[:8] for prefix in prefixes] == FIRST_LAYERS[name]


def test_prefixes_of_a_golden_stream_are_read_and_proven():
    codec, stream = Codec(str(GOLDEN / "golden.trm"), 1), Stream.parse((GOLDEN / "prefixes.tlic").read_bytes())
    first = stream.of_groups(1)
    first.prove()
    assert [unit.coded.length for unit in (*stream.units, *first.units)] == [1802, 1393, 790, 557]
    assert codec.decode(first, groups=1) == codec.decode(stream, groups=1)


def test_both_kinds_of_restoration_are_pinned():
    streams = [Stream.parse((GOLDEN / f"{name}.tlic").read_bytes()) for name in ("restored", "restored_bands")]
    assert [stream.header.restoration[0] for stream in streams] == [PLAIN, BANDED]


def test_every_quantizer_is_pinned():
    assert set(LATENTS) == {
        "tiles",
        "restored",
        "restored_bands",
        "adapter",
        "blocks",
        "prefixes",
        *FIRST_LAYERS,
        *(quantizer.name for quantizer in (*QUANTIZERS, LATTICE)),
    }
