"""tlic.js and tlic.wasm in Node: indices as in Python, pixels within a level of its, and all else refused."""

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, sections_of, textured
from experiments.browser.node import in_node
from hostile import streams as hostile
from second_decoder import DECODER, golden_half, node
from test_golden import LATENTS
from test_hostile_streams import REFUSED
from trellic.codec import Codec, Target
from trellic.codec.restoration import corrected
from trellic.codec.strips import one_channel
from trellic.container import SectionType, Stream, write_stream
from trellic.container.restoration import BANDS, FEATURES, LARGEST, PLANES, Weights, regions_of, write_weights
from trellic.model.adapter import Adapter
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.types import Picture
from trellic.web import STATIC
from trellic.web.pack import pack_decoder

CODEC = Codec(str(GOLDEN / "golden.trm"), 1, tile=256)
LARGEST_WASM = 72_000
ADAPTERS = {"MissingAdapter": "MissingModel", "DamagedAdapter": "MissingModel"}
"""What it is here to lack an adapter, or to have one that cannot be merged: a decoder half has it merged already."""
COMPILER = "0.17.1"
"""The version of ziglang that made what the package has."""


def compiler_version() -> str:
    """Return the version of ziglang that is installed, if any."""
    try:
        return version("ziglang")
    except PackageNotFoundError:
        return ""


@pytest.fixture(scope="module")
def decode(tmp_path_factory):
    """Decode streams of the golden model in one process of Node: name → bytes."""

    def work(streams: dict[str, bytes]) -> dict:
        adapted = pack_decoder(CODEC.model, Adapter.read(GOLDEN / "golden.tra"))
        halves = {"model": golden_half(), "model_adapted": adapted}
        return in_node(tmp_path_factory.mktemp("streams"), streams, halves)

    return work


@pytest.fixture(scope="module")
def golden(decode):
    return decode({name: (GOLDEN / f"{name}.tlic").read_bytes() for name in LATENTS})


@node
@pytest.mark.parametrize("name", LATENTS)
def test_a_golden_stream_decodes_to_its_indices_and_picture(golden, name):
    found = golden[name]
    assert found["digest"] == CODEC.verify((GOLDEN / f"{name}.tlic").read_bytes())
    with Image.open(GOLDEN / f"{name}.png") as expected:
        assert np.abs(found["data"].astype(int) - np.asarray(expected)).max() <= 1
    assert found["orientation"] == 3
    assert found["model"] == found["named"] == CODEC.model.name[:8]


def pictures() -> dict[str, Picture]:
    """Return pictures of every kind: grey, with alpha, drawn in part, with metadata, of one pixel."""
    drawn = textured(300, 700)
    drawn[:256, :256] = 200
    drawn[100:140, 30:200] = [255, 0, 0]
    alpha = np.full((300, 700), 255, np.uint8)
    alpha[200:, 100:400] = np.arange(300) % 256
    grey = np.repeat(textured(70, 130)[:, :, :1], 3, axis=2)
    metadata = Metadata(ColourSpace.DISPLAY_P3, b"icc" * 99, b"Exif\0\0II*\0\x08\0\0\0\0\0", b"<xmp/>", (300.0, 72.5))
    return {
        "colour": Picture(textured(90, 200)),
        "grey": Picture(grey, grey=True),
        "alpha": Picture(drawn, alpha=alpha),
        "drawn": Picture(drawn),
        "metadata": Picture(textured(20, 20), metadata=metadata),
        "pixel": Picture(np.array([[[1, 2, 3]]], np.uint8)),
    }


@pytest.fixture(scope="module")
def coded() -> dict[str, bytes]:
    found = {}
    for name, picture in pictures().items():
        for manner, target in (("lossy", Target(70)), ("lossless", Target(lossless=True))):
            found[f"{name}_{manner}"] = CODEC.encode_picture(picture, target).data
    return found


@node
def test_every_kind_of_unit_decodes_as_in_python(decode, coded):
    found = decode(coded)
    for name, data in coded.items():
        expected = np.asarray(CODEC.decode(data).convert("RGBA")).astype(int)
        most = 0 if name.endswith("lossless") else 1
        assert np.abs(found[name]["data"] - expected).max() <= most, name
        assert found[name]["digest"] == CODEC.verify(data), name
    kinds = {name: (one["grey"], one["alpha"], one["tiles"] > 1) for name, one in found.items() if name in coded}
    assert kinds["grey_lossy"] == (True, False, False)
    assert kinds["alpha_lossy"] == (False, True, True)


def unrestored() -> dict[str, bytes]:
    """Return streams of every kind without restoration; blocks are of two groups, "boxes" are shown in parts."""
    tiles, blocks = (
        Codec(str(GOLDEN / "golden.trm"), 1, tile=side, predict=side == 128, restore=False) for side in (256, 128)
    )
    grey = Picture(np.repeat(textured(203, 401)[:, :, :1], 3, axis=2), grey=True)
    found = {name: tiles.encode_picture(picture, Target(70)).data for name, picture in pictures().items()}
    found["grey_tiles"] = tiles.encode_picture(grey, Target(70)).data
    found["blocks"] = blocks.encode_picture(Picture(textured(203, 1101)), Target(70)).data
    found["boxes"] = blocks.encode_picture(Picture(textured(203, 1601)), Target(70)).data
    return found


def any_weights(count: int) -> list[Weights | None]:
    """Return weights of so many regions, as large as may be; of the third there are none.

    With many regions they differ in bands.
    """
    random = np.random.default_rng(count)
    drawn = random.integers(-LARGEST, LARGEST + 1, (count, 1 + BANDS, PLANES, FEATURES)).astype(np.int8)
    drawn[random.random(drawn.shape) < 0.6] = 0
    drawn[:, 1:] *= (count > 1) * (abs(drawn[:, :1].astype(int) + drawn[:, 1:]) <= LARGEST)
    return [None if number == 2 else weights for number, weights in enumerate(drawn)]


def corrected_by_region(stream: bytes, samples: np.ndarray, grey: bool) -> np.ndarray:
    """Return what `any_weights` make of a decoded stream, each region of latents being corrected alone."""
    parsed = Stream.parse(stream)
    grid, better = regions_of(parsed.header.grid), samples.copy()
    for number, weights in enumerate(any_weights(grid.tiles)):
        is_exact = not parsed.header.grid.predicted and parsed.units[number].coded.type != SectionType.LATENTS
        if weights is None or is_exact:
            continue
        place = grid.tile(number).common(grid.shown).within(grid.shown)
        planes = np.ascontiguousarray(samples[*place][:, :, :3].transpose(2, 0, 1))
        shown = corrected(planes, weights).transpose(1, 2, 0)
        better[*place][:, :, :3] = one_channel(shown) if grey else shown
    return better


@node
def test_restoration_is_that_of_python_to_the_bit(decode):
    """A region sees nothing beyond its edges, but what is beyond a box that is shown; exact tiles stay as they are."""
    plain = unrestored()
    restored = {}
    for name, data in plain.items():
        header, sections = sections_of(data)
        weights = write_weights(any_weights(regions_of(header.grid).tiles))
        restored[name] = write_stream(replace(header, restoration=weights), sections)
    before, after = decode(plain), decode(restored)
    for name, data in plain.items():
        expected = corrected_by_region(data, before[name]["data"], before[name]["grey"])
        different = float(np.mean(after[name]["data"] != expected))
        assert different <= (1e-4 if name == "boxes" else 0), name  # a box's neighbours may be rounded otherwise
        assert after[name]["digest"] == before[name]["digest"]
        assert name in ("drawn", "pixel") or np.mean(after[name]["data"] != before[name]["data"]) > 0.1, name


@node
def test_metadata_comes_out_as_it_went_in(decode, coded):
    metadata = decode({"metadata": coded["metadata_lossy"]})["metadata"]["metadata"]
    assert metadata["icc"] is not None
    assert metadata["xmp"] == "PHhtcC8+"
    assert metadata["colourSpace"] == ColourSpace.DISPLAY_P3
    assert metadata["resolution"] == [300, 72.5]


@node
def test_every_hostile_stream_is_refused_by_the_error_that_python_raises(decode):
    found = decode({name: maker() for name, maker in hostile.MAKERS.items()})
    kinds = {name: found[name].get("kind") for name in REFUSED}
    expected = {name: error.__name__ for name, (error, _) in REFUSED.items()}
    assert kinds == {name: ADAPTERS.get(kind, kind) for name, kind in expected.items()}
    assert all(len(one["message"].splitlines()) == 1 for name, one in found.items() if name in REFUSED)


@node
def test_a_damaged_decoder_half_is_refused(tmp_path):
    half = golden_half()
    damaged = bytearray(half)
    damaged[len(half) // 2] ^= 1
    found = in_node(tmp_path, {}, {"cut": half[:-1], "damaged": bytes(damaged), "empty": b"", "whole": half})
    assert [found[name].get("kind") for name in ("cut", "damaged", "empty", "whole")] == ["DamagedModel"] * 3 + [None]


@node
def test_the_decoder_is_small_and_imports_nothing():
    wasm = STATIC / "tlic.wasm"
    script = "console.log(WebAssembly.Module.imports(new WebAssembly.Module(fs.readFileSync(process.argv[1]))))"
    done = subprocess.run(["node", "-e", script, str(wasm)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert wasm.stat().st_size <= LARGEST_WASM


@pytest.mark.skipif(compiler_version() != COMPILER, reason=f"needs ziglang {COMPILER}")
def test_the_package_has_what_the_source_compiles_to(tmp_path):
    built, copy = tmp_path / "tlic.wasm", tmp_path / "elsewhere" / "decoder"
    shutil.copytree(DECODER, copy)
    subprocess.run([sys.executable, str(copy / "build.py"), str(built)], check=True)
    assert built.read_bytes() == (STATIC / "tlic.wasm").read_bytes()
