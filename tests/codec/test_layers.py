"""Streams in layers, end to end: every prefix decodes, is exact, and better than the one before; cut files show."""

import warnings
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from adapters import random_adapter
from conftest import GOLDEN, textured
from trellic.codec import Codec
from trellic.codec.analysis import analyse
from trellic.codec.attached import adapter_facts
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.layer_decoder import decode_layers
from trellic.codec.layer_encoder import encode_sweeps
from trellic.codec.layer_targets import LayerTargets
from trellic.codec.resources import Resources
from trellic.container import Stream
from trellic.container.layers import Layering
from trellic.errors import BadRequest, IncompleteStream
from trellic.metrics import psnr
from trellic.model import Sessions
from trellic.model.adapter import Adapter
from trellic.model.adapter_store import COARSE, shipped_adapter
from trellic.picture.pillow import read
from trellic.quantize import NESTED

EXACT = GOLDEN.parent / "conformance" / "exact.trm"
"""Its scales and means depend on what was decoded before."""
QUALITY = 20000
HALVING = Layering(2, 4, 102, (22, 15), (1,) * 10)
TRITS = Layering(3, 3, 0, (20,), (1,) * 5)
OF_OWN_STEP = replace(HALVING, step=700)
WITH_COARSE = replace(HALVING, step=700, coarse=2)


@pytest.fixture(scope="module")
def codec():
    return Codec(str(EXACT), 1)


@pytest.fixture
def coarse(codec, tmp_path):
    """An adapter of coarse planes, as if one were shipped for the model."""
    path = tmp_path / "coarse.tra"
    path.write_bytes(random_adapter(codec.model, exponent=-6).pack())
    with mock.patch("trellic.codec.codec.COARSE", path), mock.patch("trellic.model.adapter_store.COARSE", path):
        yield path


@pytest.fixture(scope="module")
def picture():
    return textured(200, 330)


def prefixes(codec: Codec, layering: Layering, pixels: np.ndarray, coarse: Sessions | None = None):
    """Return latents, the latents of each prefix as decoded, the encoder's, and payloads."""
    coarse = coarse or codec.sessions
    analysed = analyse(codec.sessions, pixels, QUALITY)
    deployed = DeployedQuantizer.of(codec.model, NESTED)
    sweeps, decoded = encode_sweeps(codec.sessions, coarse, analysed, deployed, layering)
    payloads = sweeps.join(layering.joined)
    height, width = (side + -side % 64 for side in pixels.shape[:2])

    def decode(layers: int, cut: bytes | None = None) -> np.ndarray:
        step = deployed.step_at(QUALITY)
        given = codec.sessions, coarse, layering, payloads[:layers], height, width, QUALITY, deployed, step
        return decode_layers(*given, cut=cut)["y"]

    return analysed.targets["y"], decode, decoded["y"], payloads


@pytest.mark.parametrize("layering", [HALVING, TRITS, OF_OWN_STEP])
def test_a_decoder_has_the_encoders_latents_and_each_layer_brings_them_nearer(codec, layering):
    targets, decode, decoded, payloads = prefixes(codec, layering, textured(64, 128))
    found = [decode(layers) for layers in range(1, len(payloads) + 1)]
    assert np.array_equal(found[-1], decoded)
    errors = [float(np.square(one - targets).mean()) for one in found]
    assert errors == sorted(errors, reverse=True)


def test_coarse_planes_have_networks_of_their_own(codec, coarse):
    adapted = Sessions(Adapter.read(coarse).attach_to(codec.model), 1)
    pixels = textured(64, 128)
    _, decode, decoded, payloads = prefixes(codec, WITH_COARSE, pixels, adapted)
    assert np.array_equal(decode(10), decoded)
    *_, plain = prefixes(codec, OF_OWN_STEP, pixels)
    *_, everywhere = prefixes(codec, OF_OWN_STEP, pixels, adapted)
    assert everywhere == plain  # no plane is coarse
    assert payloads != plain
    seen, run = [], Sessions.run

    def watched(self, graph, arrays):
        seen.append((self is adapted, graph))
        return run(self, graph, arrays)

    with mock.patch.object(Sessions, "run", watched):
        decode(10)
    graphs = {graph for _, graph in seen}
    assert {graph for by_coarse, graph in seen if by_coarse} == graphs
    assert {graph for by_coarse, graph in seen if not by_coarse} == graphs  # those too that read nothing but z


def test_streams_name_the_adapter_of_coarse_planes_and_prefixes_are_shown_by_it(codec, coarse, picture):
    adapter = Adapter.read(coarse)
    stream = Stream.parse(codec.encode(picture, 80, layers=10))
    assert stream.read(stream.adapter) == adapter.sha256[:4]
    assert stream.layering.coarse == 2
    assert [stream.layering.shows_coarse(count) for count in range(1, 11)] == [True] * 7 + [False] * 3
    shown = [np.asarray(codec.decode(stream, layers=count)) for count in (7, 8)]
    with mock.patch.object(Resources, "showing", lambda resources, stream: resources):
        by_fine = [np.asarray(codec.decode(stream, layers=count)) for count in (7, 8)]
    assert [np.array_equal(*pair) for pair in zip(shown, by_fine, strict=True)] == [False, True]
    everything = Stream.parse(Codec(str(EXACT), 1, adapter=str(coarse)).encode(picture, 80, layers=10))
    assert everything.layering.coarse == 0
    assert everything.read(everything.adapter) == adapter.sha256[:4]
    resources = codec.resources_of(stream.keeping(7))(1)
    assert resources.showing(stream.keeping(7)).sessions is resources.coarse
    assert resources.showing(stream.keeping(8)).sessions is resources.sessions
    assert resources.sessions.model is codec.model
    assert codec.verify(stream) != codec.verify(everything)


def test_a_step_of_its_own_is_the_finest(codec):
    targets, *_, decoded, payloads = prefixes(codec, HALVING, textured(64, 128))
    *_, finer, more = prefixes(codec, replace(HALVING, step=200), textured(64, 128))
    assert np.square(finer - targets).mean() < np.square(decoded - targets).mean() / 2
    assert sum(map(len, more)) > 1.1 * sum(map(len, payloads))


@pytest.mark.parametrize(("layers", "points"), [(2, 3.4), (3, 6.8), (10, 12.9), (16, 21.5)])
def test_networks_run_at_a_lower_quality_the_more_octaves_planes_span(codec, layers, points):
    targets, deployed = LayerTargets.of(layers), DeployedQuantizer.of(codec.model, NESTED)
    lower = targets.quality_of_networks(QUALITY)
    assert (QUALITY - lower) / 256 == pytest.approx(points, abs=0.1)
    finer = targets.layering_at(QUALITY, deployed).step / deployed.step_at(lower)
    assert finer == pytest.approx(2 ** (-points / 25.8), rel=0.01)
    assert targets.quality_of_networks(100) == 0
    assert targets.layering_at(0, deployed).step == deployed.step_at(0)
    data = Stream.parse(codec.encode(textured(64, 96), QUALITY / 256, layers=layers))
    assert data.header.quality == lower
    assert data.layering.step == targets.layering_at(QUALITY, deployed).step


def test_a_sweep_predicts_from_its_own_latents_as_in_training(codec, monkeypatch):
    """Anchors of a plane before would be seen beside non-anchors of which nothing is decoded, or the reverse."""
    seen, run = [], Sessions.run

    def watched(self, graph, arrays):
        if graph == "second_0":
            seen.append(arrays[1].copy())
        return run(self, graph, arrays)

    monkeypatch.setattr(Sessions, "run", watched)
    prefixes(codec, HALVING, textured(64, 128))
    assert len(seen) > 2
    rows, columns = np.indices(seen[0].shape[1:])
    assert all(anchors[:, (rows + columns) % 2 == 0].any() for anchors in seen)
    assert not any(anchors[:, (rows + columns) % 2 == 1].any() for anchors in seen)


@pytest.mark.parametrize("layering", [HALVING, TRITS])
def test_what_is_decoded_of_a_cut_layer_is_what_the_whole_one_has(codec, layering):
    _, decode, _, payloads = prefixes(codec, layering, textured(64, 128))
    layer = max(range(1, len(payloads)), key=lambda number: len(payloads[number]))
    before, after, changed = decode(layer), decode(layer + 1), 0
    for part in (0, 1, 7, len(payloads[layer]) // 2, len(payloads[layer]) - 1):
        found = decode(layer, payloads[layer][:part])
        begun = np.abs(found - after) < np.abs(found - before)
        assert ((found == before) | (found == after) | ~begun).all()
        assert changed <= (found == after).sum() + 1
        changed = (found == after).sum()


def test_sweeps_joined_otherwise_are_the_same_latents(codec):
    _, decode, decoded, _ = prefixes(codec, HALVING, textured(64, 64))
    _, joined, _, payloads = prefixes(codec, replace(HALVING, joined=(2, 5, 3)), textured(64, 64))
    assert len(payloads) == 3
    assert np.array_equal(joined(2), decode(7))
    assert np.array_equal(joined(3), decoded)


def test_one_plane_is_a_quantizer_of_its_own(codec):
    """What the next planes of a latent cost beside one plane is little: digits are coded given all before."""
    _, _, nested, payloads = prefixes(codec, HALVING, textured(128, 128))
    _, _, single, alone = prefixes(codec, Layering(2, 1, 102, (), (1,)), textured(128, 128))
    assert sum(map(len, payloads)) < 1.35 * len(alone[0])
    assert nested.shape == single.shape


@pytest.mark.parametrize("asked", [6, 2, "600,2000", "0.1,0.4bpp", [600, 2000]])
@pytest.mark.parametrize("tile", [1024, 256])
def test_every_prefix_is_a_picture_and_kept_alone_the_same(codec, picture, asked, tile):
    tiled = Codec(str(EXACT), 1, tile=tile)
    stream = Stream.parse(tiled.encode(picture, 80, layers=asked))
    assert stream.layer_count == (asked if isinstance(asked, int) else 3)
    for layers in range(1, stream.layer_count + 1):
        kept = stream.keeping(layers).copy()
        alone = Stream.parse(kept)
        assert alone.layer_count == layers
        assert codec.verify(alone) == codec.verify(stream.keeping(layers))
        assert np.array_equal(codec.decode(kept), codec.decode(stream, layers=layers))
    with pytest.raises(BadRequest, match="has"):
        codec.decode(stream, layers=stream.layer_count + 1)


def test_prefixes_are_exact_with_any_number_of_threads(picture):
    streams, hashes = set(), set()
    for threads in (1, 3):
        codec = Codec(str(EXACT), threads, tile=256)
        data = codec.encode(picture, 70, layers=4)
        stream = Stream.parse(data)
        streams.add(data)
        hashes.add(tuple(codec.verify(stream.keeping(layers)) for layers in range(1, 5)))
    assert len(streams) == len(hashes) == 1


@pytest.mark.parametrize("tile", [1024, 256])
def test_a_file_cut_anywhere_shows_what_it_has_and_more_bytes_never_much_less(codec, picture, tile):
    data = Codec(str(EXACT), 1, tile=tile).encode(picture, 80, layers=5)
    first = Stream.parse(data).keeping(1)
    begin = max(unit.coded.end for unit in first.units)
    best = 0.0
    for end in range(begin, len(data), max(1, (len(data) - begin) // 25)):
        with pytest.raises(IncompleteStream, match="is cut"):
            Stream.parse(data[:end])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = psnr(np.asarray(codec.decode(Stream.parse(data[:end], partial=True))), picture)
        assert found > best - 0.3
        best = max(best, found)
    with pytest.raises(IncompleteStream):
        codec.verify(Stream.parse(data[:-1], partial=False))


def test_alpha_grey_and_regions_work_in_layers(codec, picture):
    alpha = np.tile(np.arange(330) % 256, (200, 1)).astype(np.uint8)
    image = Image.fromarray(np.dstack([picture, alpha]), "RGBA")
    data = codec.encode(image, 60, layers=3)
    assert np.array_equal(np.asarray(codec.decode(data, layers=1))[:, :, 3], alpha)
    region = codec.decode(data, (40, 30, 100, 60), layers=2)
    whole = codec.decode(data, layers=2).crop((40, 30, 140, 90))
    assert np.abs(np.asarray(region).astype(int) - np.asarray(whole)).max() <= 1
    assert codec.decode(codec.encode(Image.fromarray(picture[:, :, 0]), 60, layers=2), layers=1).mode == "L"
    assert codec.preview(data, 8).size == (42, 25)


def test_groups_of_layers_are_refused(codec, picture):
    data = codec.encode(picture, 60, layers=2)
    with pytest.raises(BadRequest, match="no groups"):
        codec.decode(data, groups=1)


def test_a_size_is_met_in_layers(codec, picture):
    data = codec.encode(picture, size=7000, layers=4)
    assert 6300 < len(data) <= 7000


def test_a_quantizer_of_another_name_and_lossless_are_refused(picture):
    with pytest.raises(BadRequest, match="of their own"):
        Codec(str(EXACT), 1, quantizer="tcq8").encode(picture, layers=3)
    with pytest.raises(BadRequest, match="loses nothing"):
        Codec(str(EXACT), 1).encode(picture, lossless=True, layers=3)


@pytest.mark.parametrize(
    "asked", ["x", "1", "17", "3.5", "2000,1000", "0,5", "1,inf", ",".join(map(str, range(1, 18))), 3.5, object()]
)
def test_impossible_layers_are_refused(asked):
    with pytest.raises(BadRequest, match="layers"):
        LayerTargets.of(asked)


@pytest.mark.parametrize("count", range(2, 17))
def test_so_many_layers_as_asked_for(count):
    targets = LayerTargets.of(count)
    assert targets == LayerTargets.of(float(count)) == LayerTargets.of(np.int64(count)) == LayerTargets.of(str(count))
    bits = [100.0 * 1.3**n for n in range(len(targets.layering.sweeps))]
    for each in (bits, [*bits[:-2], 0.0, 0.0]):
        joined = targets.join(each, 50, 1, 1 << 16)
        assert len(joined) == count
        assert sum(joined) == len(targets.layering.sweeps)


def test_a_flat_picture_in_layers_is_exact(codec):
    flat = np.full((70, 90, 3), 40, np.uint8)
    data = codec.encode(flat, layers=4)
    assert np.array_equal(codec.decode(data).convert("RGB"), flat)
    assert Stream.parse(data).layers is None


def test_the_shipped_adapter_makes_prefixes_better_and_leaves_whole_files_alone(tmp_path):
    codec, picture = (
        Codec(threads=1),
        np.ascontiguousarray(read(COARSE.parent.parent / "demo.webp").pixels[64:320, 64:320]),
    )
    adapter = shipped_adapter(COARSE, codec.model.sha256)
    stream = Stream.parse(codec.encode(picture, 80, layers=4))
    assert adapter_facts(stream) == {"hash": adapter.sha256[:4].hex(), "name": "coarse", "embedded": False}
    with mock.patch("trellic.codec.codec.COARSE", tmp_path / "none.tra"):
        plain = Stream.parse(codec.encode(picture, 80, layers=4))
    assert plain.adapter is None
    assert stream.length < 1.02 * plain.length
    found = [psnr(picture, np.asarray(codec.decode(one, layers=2))) for one in (stream, plain)]
    assert found[0] > found[1] + 0.2
    assert stream.end_of(2) < 1.05 * plain.end_of(2)
