"""The codec on the shipped model: any size and mode, targets met, the decoder sees what the encoder saw."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import trellic
import trellic.pillow
from conftest import GOLDEN, sections_of, textured
from trellic.cli.options import DEFAULT
from trellic.codec import Target
from trellic.container import Grid, Section, Stream, write_stream
from trellic.errors import BadRequest, DamagedStream, MissingModel, PictureTooLarge, TargetMissed
from trellic.metrics import psnr


@given(st.integers(1, 140), st.integers(1, 140), st.sampled_from(["RGB", "L", "RGBA", "LA", "P", "1", "CMYK"]))
@settings(deadline=None, max_examples=25)
@pytest.mark.filterwarnings("ignore::trellic.picture.types.Converted")
def test_any_size_and_mode_comes_back(height, width, mode):
    image = Image.fromarray(textured(height, width)).convert(mode)
    decoded = trellic.decode(trellic.encode(image, 70))
    assert decoded.size == (width, height)
    if mode in {"RGBA", "LA"} and "A" in decoded.mode:
        assert np.array_equal(np.asarray(decoded.getchannel("A")), np.asarray(image.getchannel("A")))


def test_quality_orders_size_and_psnr(codec, small_picture):
    coded = [codec.encode_picture(small_picture, Target(quality)).data for quality in (0, 25, 50, 75, 100)]
    quality = [psnr(small_picture.pixels, codec.decode_picture(data).pixels) for data in coded]
    assert sorted(coded, key=len) == coded
    assert sorted(quality) == quality


def test_a_photograph_is_small_and_faithful(codec, photograph):
    coded = codec.encode_picture(photograph, Target(50))
    decoded = codec.decode_picture(coded.data)
    assert 8 * len(coded.data) / (768 * 512) < 0.7
    assert psnr(photograph.pixels, decoded.pixels) > 34


def test_file_bytes_are_the_estimate(codec, photograph):
    coded = codec.encode_picture(photograph, Target(50))
    restoration = Stream.parse(coded.data).header.restoration
    assert 0 < 8 * (len(coded.data) - len(restoration)) / coded.estimated_bits - 1 < 0.005


def test_targets_are_met(codec, photograph):
    detail = replace(photograph, pixels=photograph.pixels[128:384, 256:640])
    largest = len(codec.encode_picture(detail, Target(100)).data)
    for size in (largest // 6, largest):
        assert 0.98 * size < len(codec.encode_picture(detail, Target(size=size)).data) <= size
    assert 8 * len(codec.encode_picture(detail, Target(bpp=0.5)).data) / (384 * 256) == pytest.approx(0.5, rel=0.03)
    data = codec.encode_picture(detail, Target(psnr=35.0)).data
    assert psnr(detail.pixels, codec.decode_picture(data).pixels) == pytest.approx(35.0, abs=0.05)


def test_targets_out_of_reach_say_so(codec, small_picture):
    with pytest.raises(TargetMissed):
        codec.encode_picture(small_picture, Target(size=40))
    with pytest.raises(TargetMissed):
        codec.encode_picture(small_picture, Target(psnr=90.0))


@pytest.mark.parametrize("wrong", [{"bpp": 1, "size": 3}, {"bpp": -1}, {"quality": 101}, {"psnr": float("nan")}])
def test_impossible_targets_are_refused(wrong):
    with pytest.raises(BadRequest):
        Target(**wrong)


def test_grey_costs_no_colour_and_stays_grey(codec, photograph):
    grey = Image.fromarray(photograph.pixels).convert("L")
    as_grey, as_rgb = codec.encode(grey, 50), codec.encode(grey.convert("RGB"), 50)
    decoded = codec.decode(as_grey)
    assert decoded.mode == "L"
    assert len(as_grey) <= len(as_rgb) + 1  # the byte of flags
    assert len(as_grey) < len(codec.encode(Image.fromarray(photograph.pixels), 50))


def test_arrays_are_pictures(small_picture):
    data = trellic.encode(small_picture.pixels, 30)
    assert trellic.decode(data).size == (96, 80)
    for wrong in (small_picture.pixels / 255.0, small_picture.pixels[:, :, :1], small_picture.pixels[:0]):
        with pytest.raises(BadRequest):
            trellic.encode(wrong)


def test_a_target_for_a_grey_picture_is_met_by_what_is_shown(codec, photograph):
    grey = Image.fromarray(photograph.pixels[128:384, 256:640]).convert("L")
    shown = np.asarray(codec.decode(codec.encode(grey, psnr=36.0)))
    assert psnr(np.asarray(grey), shown) == pytest.approx(36.0, abs=0.05)


def test_the_defaults_are_the_same_everywhere():
    from trellic.cli.options import DEFAULT, DEFAULT_EFFORT, SIDE
    from trellic.codec.tiles import SIDE as TILE
    from trellic.container.header import PLAIN
    from trellic.model.store import DEFAULT as MODEL
    from trellic.quantize import DEFAULT_EFFORT as EFFORT
    from trellic.quantize import quantizer_for

    assert (DEFAULT, DEFAULT_EFFORT, SIDE) == (MODEL, EFFORT, TILE)
    assert quantizer_for(EFFORT).number == PLAIN


def test_every_damage_is_an_error_of_ours(codec, small_picture):
    data = codec.encode_picture(small_picture, Target(30)).data
    random = np.random.default_rng(0)
    for position in random.integers(0, len(data), 150):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(random.integers(8))
        with pytest.raises(trellic.TrellicError):
            trellic.decode(bytes(damaged))
    for length in random.integers(0, len(data), 50):
        with pytest.raises(trellic.TrellicError):
            trellic.decode(data[:length])


def test_latents_of_another_size_are_refused(codec, small_picture):
    header, sections = sections_of(codec.encode_picture(small_picture, Target(30)).data)
    for changed in (replace(header, grid=Grid.whole(960, 80)), replace(header, quality=20_000)):
        with pytest.raises(DamagedStream):
            trellic.decode(write_stream(changed, sections))
    with pytest.raises(MissingModel, match="0000"):
        trellic.decode(write_stream(replace(header, model=bytes(4)), sections))
    with pytest.raises(PictureTooLarge):
        trellic.decode(write_stream(replace(header, grid=Grid.whole(1 << 24, 1 << 24)), sections))


def test_a_stream_of_another_model_is_refused(codec):
    data = (GOLDEN / "uniform.tlic").read_bytes()
    for use in (codec.decode, codec.preview, codec.verify):
        with pytest.raises(BadRequest, match=f"this codec holds {codec.model.name}"):
            use(data)


def test_a_plain_picture_has_28_bytes_beside_its_symbols(photograph):
    for quality in (0, 50, 90):
        encoded = trellic.Codec(restore=False).encode_picture(photograph, Target(quality))
        assert len(encoded.data) - encoded.estimated_bits / 8 < 30
        assert trellic.info(encoded.data)["overhead_bytes"] <= 23


def test_info_accounts_for_every_byte(small_picture, codec):
    data = codec.encode_picture(small_picture, Target(30)).data
    facts = trellic.info(data)
    assert (facts["width"], facts["height"], facts["quality"]) == (96, 80, 30)
    assert facts["bytes"] == len(data) == facts["overhead_bytes"] + facts["sections"][-1]["bytes"]
    assert facts["model_name"] == DEFAULT


def test_verifying_sees_every_index_and_any_damage(small_picture):
    data = trellic.encode(small_picture.pixels, 50)
    digest = trellic.verify(data)
    assert digest == trellic.verify(data)
    assert digest != trellic.verify(trellic.encode(small_picture.pixels, 51))
    for position in range(30, len(data), 97):
        damaged = bytearray(data)
        damaged[position] ^= 4
        with pytest.raises(trellic.TrellicError):
            trellic.verify(bytes(damaged))


def test_verifying_proves_sections_that_decoding_skips(small_picture):
    header, sections = sections_of(trellic.encode(small_picture.pixels, 50))
    data = write_stream(header, [Section(200, b"of a later release"), *sections])
    trellic.verify(data)
    with pytest.raises(DamagedStream, match="checksum of section 200"):
        trellic.verify(data.replace(b"later", b"other"))


def test_pillow_opens_and_saves(tmp_path, small_picture):
    image = Image.fromarray(small_picture.pixels)
    path = tmp_path / "picture.tlic"
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, quality=60, exif=exif)
    with Image.open(path) as opened:
        assert (opened.format, opened.size, opened.mode) == ("TLIC", (96, 80), "RGB")
        opened.load()
        assert psnr(small_picture.pixels, np.asarray(opened)) > 25
        assert opened.getexif()[0x0112] == 6
    opened = Image.open(path)
    assert opened.getexif()[0x0112] == 6  # before a pixel is decoded
    opened.load()
    assert opened.fp is None
    with pytest.raises(OSError, match=r"cut off|damaged|checksum|cannot identify"):
        Image.open(io.BytesIO(path.read_bytes()[:-5])).load()


def test_streams_do_not_depend_on_the_number_of_threads(photograph):
    streams = {trellic.Codec(threads=threads).encode_picture(photograph, Target(60)).data for threads in (1, 2, 3)}
    assert len(streams) == 1
