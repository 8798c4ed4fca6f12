"""The decoder in C, natively under sanitizers: damaged streams and models are refused, and never read out of bounds."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

import fuzz
import fuzz_native
import trellic
from adapters import random_adapter
from conftest import GOLDEN, sections_of, textured
from second_decoder import build_native, compiler, golden_half, natively
from trellic import TrellicError
from trellic.codec import Codec
from trellic.codec.picture_decoder import metadata_of
from trellic.container import SectionType, Stream, write_stream
from trellic.container.bytes import Reader, varint
from trellic.container.index import read_front
from trellic.container.restoration import BANDS, FEATURES, PLANES, write_weights
from trellic.entropy.correction import LARGEST_WEIGHT
from trellic.errors import IncompleteStream
from trellic.model import DEFAULT, Model, find_model
from trellic.model.eight_bits import EightBits
from trellic.web.pack import pack_decoder

STREAMS, MODELS = 300, 400


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The native decoder, compiled with sanitizers: it ends with an error at the first read out of bounds."""
    return build_native(tmp_path_factory.mktemp("native") / "decoder")


def outcome(data: bytes) -> tuple[str, str]:
    """Return how Python ends, and the hash of the indices, or the message."""
    try:
        trellic.decode(data, fuzz.PIXELS)
        return "decoded", trellic.verify(data, fuzz.PIXELS)
    except TrellicError as error:
        return type(error).__name__, str(error)


def has_sound_metadata(data: bytes) -> bool:
    """Return whether metadata can be read, which tlic.js does, not the decoder in C."""
    try:
        metadata_of(Stream.parse(data))
    except TrellicError:
        return False
    return True


def has_adapter(data: bytes) -> bool:
    """Return whether a stream has an adapter, which the golden model's decoder half does not have."""
    try:
        _, entries = read_front(Reader(data, IncompleteStream), fuzz.PIXELS)
    except TrellicError:
        return False
    return any(entry.type == SectionType.ADAPTER for entry in entries)


@compiler
@pytest.mark.parametrize(
    ("folder", "sound", "streams"),
    [(GOLDEN, fuzz_native.golden, STREAMS), (fuzz_native.CONFORMANCE, fuzz_native.corrected, STREAMS // 3)],
    ids=["golden", "corrected"],
)
def test_damaged_streams_end_as_in_python(program, monkeypatch, folder, sound, streams):
    monkeypatch.setenv("TRELLIC_MODELS", str(folder))
    given = sound()
    damaged = fuzz_native.damaged_streams(given, streams, 5)
    (loaded, *_), *found = natively(program, [("m", given.half), *(("s", data) for data in damaged)])
    assert loaded == "decoded"
    for number, (data, (code, digest, *_)) in enumerate(zip(damaged, found, strict=True)):
        expected, detail = outcome(data)
        if has_adapter(data):
            continue
        assert code == expected or not has_sound_metadata(data), number
        assert expected != "decoded" or digest == detail, number


@compiler
def test_coarse_planes_have_networks_of_their_own(program, tmp_path, monkeypatch):
    exact, other = (Model.read(fuzz_native.CONFORMANCE / f"{name}.trm") for name in ("exact", "corrected"))
    adapter, path = random_adapter(exact, exponent=-6), tmp_path / "coarse.tra"
    path.write_bytes(adapter.pack())
    monkeypatch.setattr("trellic.codec.codec.COARSE", path)
    codec = Codec(str(fuzz_native.CONFORMANCE / "exact.trm"), 1, embed=True)
    stream = Stream.parse(codec.encode(textured(200, 90), 80, layers=10))
    prefixes = [stream.keeping(count).copy() for count in (1, 4, 7, 8, 10)]
    adapted, plain, foreign = map(
        zlib.decompress, (pack_decoder(exact, adapter), pack_decoder(exact), pack_decoder(other))
    )
    found = natively(program, [("m", adapted), ("p", plain), *(("s", data) for data in prefixes)])[2:]
    assert [end[:2] for end in found] == [["decoded", codec.verify(data)] for data in prefixes]

    def refused_for(*halves: tuple[str, bytes]) -> str:
        return natively(program, [*halves, ("s", prefixes[0])])[-1][0]

    assert refused_for(("m", adapted)) == "MissingModel"
    assert refused_for(("m", adapted), ("p", foreign)) == "MissingModel"
    renamed = zlib.decompress(fuzz_native.golden_half())
    renamed = renamed[:4] + plain[4:36] + renamed[36:]
    assert refused_for(("m", adapted), ("p", renamed)) == "DamagedModel"


def restored_by(data: bytes, restoration: bytes) -> bytes:
    """Return a stream with such bytes in its header, its checksums being right."""
    header, sections = sections_of(data)
    return write_stream(replace(header, restoration=restoration), sections)


@compiler
def test_damaged_weights_of_restoration_end_as_in_python(program, monkeypatch):
    """Each is read within its bytes, and refused for what Python refuses it for."""
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    half, random = zlib.decompress(golden_half()), np.random.default_rng(7)
    plain = Codec(str(GOLDEN / "golden.trm"), 1, tile=256, restore=False).encode(textured(60, 600), 70)
    weights = random.integers(-31, 32, (1 + BANDS, PLANES, FEATURES)).astype(np.int8)
    weights[2:] = 0
    banded, plain_weights = write_weights([weights, None]), weights * 0
    plain_weights[0] = weights[0]
    sound = write_weights([plain_weights, None])
    damaged = [each[:length] for each in (sound, banded) for length in range(1, len(each) + 1)]
    damaged += [sound + b"\0", sound + b"\1", b"\0", b"\3\0", sound[:-1] + bytes([sound[-1] | 1])]
    damaged += [b"\1\x80" + bytes(99), b"\1\0", b"\1\x20", b"\2" + sound[1:], b"\1" + banded[1:]]
    for _ in range(300):
        changed = bytearray((sound, banded)[random.integers(2)])
        changed[random.integers(len(changed))] ^= 1 << random.integers(8)
        damaged.append(bytes(changed))
    streams = [restored_by(plain, restoration) for restoration in damaged]
    found = natively(program, [("m", half), *(("s", data) for data in streams)])[1:]
    expected = [outcome(data)[0] for data in streams]
    assert {"decoded", "DamagedStream", "UnsupportedStream"} == set(expected)
    assert [code for code, *_ in found] == expected


@compiler
def test_only_all_layers_are_restored(program):
    """Weights are for the picture that all layers show: a stream of fewer shows what it showed without them."""
    half = zlib.decompress(golden_half())
    plain = Codec(str(GOLDEN / "golden.trm"), 1, restore=False).encode(textured(90, 70), 80, layers=5)
    restored = restored_by(plain, write_weights([np.full((1 + BANDS, PLANES, FEATURES), 3, np.int8)]))
    for layers, alike in ((4, True), (5, False)):
        streams = [("s", Stream.parse(data).keeping(layers).copy()) for data in (plain, restored)]
        (code, digest, pixels), other = natively(program, [("m", half), *streams])[1:]
        assert code == "decoded"
        assert other[:2] == [code, digest]
        assert (other[2] == pixels) == alike


@compiler
def test_weights_in_eight_bits_are_widened_as_in_python(program, monkeypatch):
    model, data = Model.read(find_model(DEFAULT)), trellic.encode(textured(64, 64))
    half = pack_decoder(model)
    monkeypatch.setattr(EightBits, "of", lambda values: None)
    wide = pack_decoder(model)
    assert len(half) < 0.7 * len(wide)
    ends = [natively(program, [("m", zlib.decompress(packed)), ("s", data)])[1] for packed in (half, wide)]
    assert ends[0] == ends[1]
    assert ends[0][:2] == ["decoded", trellic.verify(data)]


@compiler
def test_weights_beyond_the_bounds_are_refused(program):
    half, model = fuzz_native.corrected().half, Model.read(fuzz_native.CONFORMANCE / "corrected.trm")
    step = next(step for step in model.schedule.passes if step.correction)
    packed = [varint(weight + LARGEST_WEIGHT) for weight in step.correction]
    assert b"".join(packed) in half
    for last, code in ((2 * LARGEST_WEIGHT, "decoded"), (2 * LARGEST_WEIGHT + 1, "DamagedModel")):
        changed = half.replace(b"".join(packed), b"".join([*packed[:-1], varint(last)]))
        assert natively(program, [("m", changed)])[0][0] == code


@compiler
def test_damaged_models_do_no_harm(program):
    ends = fuzz_native.run(program, fuzz_native.golden(), 0, MODELS, 6)["models"]
    assert {"decoded", "DamagedModel"} <= set(ends)
    assert sum(ends.values()) == MODELS
