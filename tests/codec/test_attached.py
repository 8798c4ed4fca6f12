"""Adapters in streams: found by name, or carried; and streams that need none have none."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import trellic
import trellic.pillow
from adapters import random_adapter
from command import run_trellic
from conftest import GOLDEN, sections_of, textured
from trellic import Codec, api
from trellic.container import SectionType
from trellic.errors import BadRequest, MissingAdapter
from trellic.model import Model, find_model
from trellic.model.adapter import Adapter

PICTURE = textured(70, 90)
SHIPPED = Model.read(find_model("base"))
ADAPTER = random_adapter(SHIPPED, exponent=-8)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder with an adapter, among those where models are found."""
    (tmp_path / "mine.tra").write_bytes(ADAPTER.pack())
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    return tmp_path


def encode(**options):
    return trellic.encode(PICTURE, 60, effort=1, **options)


def pixels(data: bytes, **options) -> np.ndarray:
    return np.asarray(trellic.decode(data, **options))


def test_a_stream_names_its_adapter(installed):
    plain, named, carried = encode(), encode(adapter="mine"), encode(adapter="mine", embed=True)
    kinds = [section.type for section in sections_of(named)[1]]
    assert kinds == [SectionType.ADAPTER, SectionType.LATENTS]
    assert sections_of(named)[1][0].payload == ADAPTER.sha256[:4]
    assert len(carried) - len(named) == len(ADAPTER.decoder) + 1
    assert np.array_equal(pixels(named), pixels(carried))
    assert not np.array_equal(pixels(named), pixels(plain))


def test_a_stream_without_adapter_is_the_same_byte_for_byte(installed):
    assert encode(adapter="none") == encode() == Codec(effort=1).encode(PICTURE, 60)


@pytest.mark.parametrize("name", ["mine", ADAPTER.name, ADAPTER.name[:6]])
def test_an_adapter_is_found_by_name_and_hash(installed, name):
    assert encode(adapter=name) == encode(adapter="mine") == encode(adapter=str(installed / "mine.tra"))


def test_a_missing_adapter_is_named(installed):
    named, carried = encode(adapter="mine"), encode(adapter="mine", embed=True)
    shown = pixels(carried)
    (installed / "mine.tra").unlink()
    with pytest.raises(MissingAdapter, match=f"needs adapter {ADAPTER.name[:8]}, which is not installed"):
        trellic.decode(named)
    with pytest.raises(MissingAdapter, match="'mine' is not installed"):
        encode(adapter="mine")
    assert np.array_equal(pixels(carried), shown)
    (installed / "broken.tra").write_bytes(b"\x93TRA")
    (installed / "other_name.tra").write_bytes(Adapter(ADAPTER.base, ADAPTER.decoder).pack())
    assert np.array_equal(pixels(named), shown)


def test_an_adapter_of_another_model_is_refused(installed):
    with pytest.raises(BadRequest, match="is of model"):
        Codec(str(GOLDEN / "golden.trm"), adapter="mine")


def test_what_is_coded_exactly_needs_no_adapter(installed):
    flat = np.full((80, 80, 3), 200, np.uint8)
    assert trellic.encode(flat, adapter="mine") == trellic.encode(flat)
    assert trellic.encode(PICTURE, lossless=True, adapter="mine") == trellic.encode(PICTURE, lossless=True)


def test_an_adapter_of_the_encoder_alone_needs_no_section(tmp_path):
    path = tmp_path / "encoder.tra"
    path.write_bytes(Adapter(ADAPTER.base, b"", ADAPTER.encoder).pack())
    data = encode(adapter=str(path))
    assert [section.type for section in sections_of(data)[1]] == [SectionType.LATENTS]
    assert data != encode()
    trellic.decode(data)


@pytest.mark.parametrize("target", [{}, {"psnr": 33}, {"size": 1200}, {"bpp": 1.5}])
def test_the_best_is_never_worse_than_none(installed, target):
    quality = {} if target else {"quality": 60}
    plain, best = (trellic.encode(PICTURE, **quality, **target, effort=1, adapter=name) for name in ("none", "best"))
    if "psnr" in target:
        assert len(best) <= len(plain)
    elif target:
        assert len(best) <= 8 * target.get("size", 1e9)
        assert trellic.metrics.psnr(PICTURE, pixels(best)) >= trellic.metrics.psnr(PICTURE, pixels(plain))
    else:
        assert best in {plain, encode(adapter="mine")}


def test_verify_info_crop_and_the_plugin_know_adapters(installed):
    data = encode(adapter="mine")
    assert trellic.verify(data) == trellic.verify(encode(adapter="mine", embed=True)) != trellic.verify(encode())
    assert trellic.info(data)["adapter"] == {"hash": ADAPTER.name[:8], "name": "mine", "embedded": False}
    assert trellic.info(encode())["adapter"] is None
    shown = pixels(data)
    assert np.abs(pixels(data, crop=(10, 20, 30, 40)).astype(int) - shown[20:60, 10:40]).max() <= 1
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "TLIC", quality=60, effort=1, adapter="mine")
    assert buffer.getvalue() == data
    with Image.open(buffer) as opened:
        assert np.array_equal(np.asarray(opened), shown)


def test_attached_models_are_kept(installed):
    codec = api.codec_for(api.Stream.parse(encode(adapter="mine")))
    codec.decode(encode(adapter="mine"))
    before = codec._attached.cache_info()
    for embed in (False, True):
        codec.decode(encode(adapter="mine", embed=embed))
    after = codec._attached.cache_info()
    assert after.currsize <= before.currsize + 1  # an adapter that is carried is without its encoder part
    assert after.hits > before.hits


READ = """
import os, sys
import onnxruntime
from trellic import Codec

if "PLAIN" in os.environ:
    own = onnxruntime.SessionOptions

    class Plain(own):
        def __init__(self):
            super().__init__()
            self.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    onnxruntime.SessionOptions = Plain
print(Codec(threads=int(sys.argv[1])).verify(open(sys.argv[2], "rb").read()))
"""
OLD_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "AVX512_ICL AVX512_CLX AVX512_SKX AVX512F FMA3 AVX2"}
OLD_KERNELS = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""}


@pytest.fixture(scope="module")
def strong(tmp_path_factory):
    """A stream with an adapter, some of whose rows need coarser units, and the hash of what it decodes to."""
    folder = tmp_path_factory.mktemp("strong")
    (folder / "strong.tra").write_bytes(random_adapter(SHIPPED, exponent=-5).pack())
    data = trellic.encode(PICTURE, 90, adapter=str(folder / "strong.tra"), embed=True)
    (folder / "a.tlic").write_bytes(data)
    return folder / "a.tlic", trellic.verify(data)


@pytest.mark.parametrize(
    ("threads", "settings"),
    [(1, {}), (3, {}), (1, {"PLAIN": "1"}), (2, {**OLD_NUMPY, **OLD_KERNELS})],
    ids=["one thread", "three threads", "graphs as they are", "older instructions"],
)
def test_a_stream_with_an_adapter_decodes_alike_everywhere(strong, threads, settings):
    path, indices = strong
    environment = {**os.environ, **settings}
    found = subprocess.run([sys.executable, "-c", READ, str(threads), str(path)], env=environment, capture_output=True,
                           text=True, check=True)  # fmt: skip
    assert found.stdout.strip() == indices


def test_a_damaged_adapter_is_named_where_they_are_listed(tmp_path):
    (tmp_path / "bad.tra").write_bytes(b"x")
    assert b"bad.tra: not a .tra file" in run_trellic("models", cwd=tmp_path, TRELLIC_MODELS=str(tmp_path)).stderr


def test_the_command_line_encodes_with_an_adapter(installed, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    done = run_trellic("encode", "a.png", "-o", "a.tlic", "--adapter", "mine", "--embed", cwd=tmp_path,
                       TRELLIC_MODELS=str(installed))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"adapter" in run_trellic("info", "a.tlic", cwd=tmp_path).stdout
    listed = run_trellic("models", cwd=tmp_path, TRELLIC_MODELS=str(installed)).stdout.decode()
    assert f"mine         {ADAPTER.name}  adapter of {SHIPPED.name}" in listed
    resume = ("encode", "a.png", "-o", "a.tlic", "--resume", "--adapter")
    skipped, refused = (
        run_trellic(*resume, *adapter, cwd=tmp_path, TRELLIC_MODELS=str(installed))
        for adapter in (("mine", "--embed"), ("none",))
    )
    assert (skipped.returncode, refused.returncode) == (0, 1)
    assert b"another adapter" in refused.stderr
    missing = run_trellic("encode", "a.png", "-o", "b.tlic", "--adapter", "mine", cwd=tmp_path)
    assert (missing.returncode, missing.stderr.count(b"\n")) == (1, 1)
