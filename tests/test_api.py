"""The Python interface: whatever a caller hands it is a picture, a stream, or one clear error."""

import io
import multiprocessing
import os
import pickle
import signal

import numpy as np
import pytest
from PIL import Image

import trellic
from conftest import GOLDEN, textured
from trellic import api
from trellic.errors import BadRequest, OutOfMemory, TrellicError, UnreadablePicture

MODEL = str(GOLDEN / "golden.trm")
PIXELS = textured(40, 50)


@pytest.fixture(autouse=True)
def golden_model(monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))


def encoded(thing: object = PIXELS, **options: object) -> bytes:
    return trellic.encode(thing, model=MODEL, **options)


def test_paths_and_open_files_are_pictures_and_streams(tmp_path):
    path, stream = tmp_path / "a.png", tmp_path / "a.tlic"
    Image.fromarray(PIXELS).save(path)
    data = encoded()
    with path.open("rb") as file:
        assert {encoded(path), encoded(str(path)), encoded(file), encoded(Image.open(path))} == {data}
    stream.write_bytes(data)
    with stream.open("rb") as file:
        given = [data, bytearray(data), memoryview(data), stream, str(stream), file, io.BytesIO(data)]
        shown = [trellic.decode(one) for one in given]
    assert all(np.array_equal(one, shown[0]) for one in shown)
    assert trellic.verify(stream) == trellic.verify(data)
    assert trellic.info(stream) == trellic.info(data)


@pytest.mark.parametrize("wrong", [None, 7, [1, 2], {}, object(), np.zeros((2, 2, 5), np.uint8), np.zeros((4, 4))])
def test_what_is_no_picture_is_one_clear_error(wrong):
    with pytest.raises(BadRequest, match="no picture"):
        encoded(wrong)


@pytest.mark.parametrize("wrong", [None, 7, [1, 2], {}, object()])
def test_what_is_no_stream_is_one_clear_error(wrong):
    for use in (trellic.decode, trellic.verify, trellic.info):
        with pytest.raises(BadRequest, match="no stream"):
            use(wrong)


def test_a_missing_or_damaged_file_is_one_clear_error(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    with pytest.raises(UnreadablePicture):
        encoded(tmp_path / "bad.png")
    with pytest.raises(UnreadablePicture):
        encoded(tmp_path / "missing.png")
    with pytest.raises(TrellicError):
        trellic.decode(tmp_path / "bad.png")


def test_another_effort_loads_no_network_again(monkeypatch):
    codecs = {api._codec(GOLDEN / "golden.trm", effort=effort) for effort in (1, 5, 9)}
    assert len({id(codec.sessions) for codec in codecs}) == 1
    assert len({codec.quantizer.name for codec in codecs}) > 1


def test_a_quantizer_is_an_option_and_the_effort_that_stands_for_it_gives_the_same():
    codec = trellic.Codec(MODEL, effort=3)
    assert encoded(quantizer=codec.quantizer.name) == encoded(effort=3) == codec.encode(PIXELS)


def test_a_codec_is_pickled_by_its_settings():
    codec = trellic.Codec(MODEL, threads=1, effort=1, tile=512)
    pickled = pickle.dumps(codec)
    assert len(pickled) < 500
    copied = pickle.loads(pickled)
    assert (copied.quantizer.name, copied.options.tile) == (codec.quantizer.name, 512)
    assert copied.encode(PIXELS) == codec.encode(PIXELS)
    other = pickle.loads(pickle.dumps(codec.using("uniform")))
    assert other.quantizer.name == "uniform"


def test_processes_share_work_by_pickled_codecs():
    codec = trellic.Codec(MODEL, threads=1)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(codec.encode, (PIXELS,)) == codec.encode(PIXELS)


def in_a_child(work) -> int:
    """Return the exit code of a forked child, killed after a minute."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_codes_on_and_never_hangs():
    data, codec = encoded(), trellic.Codec(MODEL, threads=2)
    codec.encode(PIXELS)

    def work():
        assert encoded() == data  # by a codec that the parent has loaded
        api._codec_with.cache_clear()
        api._codec_at.cache_clear()  # evicted
        assert codec.encode(PIXELS) == data

    assert in_a_child(work) == 0


def test_out_of_memory_is_one_clear_error(monkeypatch):
    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(trellic.Codec, "encode", refuse)
    monkeypatch.setattr(trellic.Codec, "decode", refuse)
    data = (GOLDEN / "uniform.tlic").read_bytes()
    for use in (encoded, lambda: trellic.decode(data)):
        with pytest.raises(OutOfMemory):
            use()
