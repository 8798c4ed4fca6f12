"""Every codec gives back what it was given, at its best for PSNR, and says how it is set by its options themselves."""

import io
import re
import sys

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from conftest import textured
from trellic.cli.compare import ALL
from trellic.errors import BadRequest, MissingLibrary
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.codecs import BEST, LABELS, USUAL, codec_named, ffmpeg
from trellic.evaluate.codecs.image_codec import described
from trellic.evaluate.codecs.pillow import JPEG, JPEG_USUAL
from trellic.evaluate.codecs.yuv import Format, to_rgb, to_yuv
from trellic.evaluate.measure import code
from trellic.metrics import psnr

NEEDS = {"webp": "webp", "jxl": "pillow_jxl", "jxl-usual": "pillow_jxl"} | {
    video.name: "imageio_ffmpeg" for video in ffmpeg.CODECS
}
FORMATS = [Format("4:4:4", 10), Format("4:2:0", 10), Format("4:2:0", 8)]


def named(name):
    """Return a codec whose package is installed."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return codec_named(name, "base", 7)


def points(codec, pixels, settings):
    """Return (bytes, PSNR) at settings."""
    coded = [code(codec, pixels, setting) for setting in settings]
    return [(each.bytes, psnr(pixels, each.pixels)) for each in coded]


@pytest.mark.parametrize("name", LABELS)
def test_a_codec_gives_back_the_picture_and_its_settings_rise_in_size(name):
    codec = named(name)
    grey = np.repeat(textured(47, 61)[:, :, :1], 3, axis=2)  # odd sides; grey, so that 4:2:0 loses nothing
    (low, worse), (high, better) = points(codec, grey, (codec.curve[1], codec.curve[-1]))
    assert low < high
    assert worse < better
    assert better > 34
    assert set(codec.curve) <= set(codec.settings)
    assert code(codec, grey, codec.curve[1]).pixels.shape == grey.shape


@pytest.mark.parametrize("name", USUAL)
def test_the_best_options_take_fewer_bits_than_the_usual(name, photograph):
    pixels = np.ascontiguousarray(photograph.pixels[100:356, 300:556])
    best, usual = (named(each) for each in (name, USUAL[name]))
    curves = [points(codec, pixels, codec.curve[2:-2:2]) for codec in (usual, best)]
    assert bd_rate(*curves).percent < 0


def test_jpeg_at_its_best_has_one_step_for_all_frequencies_and_whole_chroma():
    with Image.open(io.BytesIO(JPEG.encode(textured(40, 56), 20))) as image:
        assert {step for table in image.quantization.values() for step in table} == {20}
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jpeg", "flat quantization tables, subsampling 4:4:4, optimize, progressive"),
        ("webp", "4:2:0, method 6, sns_strength 0, autofilter 1"),
        ("avif", "4:4:4, 10 bits.*-cpu-used 2 -tune psnr -usage allintra"),
        ("jxl", "effort 9"),
        ("jxl-usual", "effort 7"),
        ("hevc", "4:4:4, 10 bits.*-preset veryslow -tune psnr"),
        ("vvc", "4:2:0, 10 bits.*-preset medium -qpa 0"),
    ],
)
def test_a_codec_says_how_it_is_set(name, words):
    assert re.search(words, named(name).about)


@pytest.mark.parametrize("video", ffmpeg.CODECS, ids=lambda video: video.name)
def test_what_a_program_is_told_is_what_the_text_says(video):
    pytest.importorskip("imageio_ffmpeg")
    commands = []

    def run(command, data):
        commands.append(command)
        return ffmpeg.run(command, data)

    codec = ffmpeg.video_codec(video, run)
    codec.encode(textured(32, 32), video.curve[3])
    words = [word.replace(ffmpeg.QP, str(video.curve[3])) for word in video.encoder]
    assert " ".join(words) in " ".join(commands[0])
    assert video.planes.ffmpeg in commands[0]
    assert " ".join(video.encoder) in codec.about


def test_options_become_words():
    assert described({"method": 6, "optimize": True, "progressive": False}) == "method 6, optimize, no progressive"


@pytest.mark.parametrize("planes", FORMATS, ids=str)
def test_colours_survive_conversion(planes):
    colours = np.random.default_rng(0).integers(0, 256, (40, 3)).astype(np.uint8)
    for colour in colours:  # one colour at a time: interpolation blurs what is not flat
        back = to_rgb(to_yuv(np.full((2, 2, 3), colour, np.uint8), planes), planes)[0, 0].astype(int)
        assert np.abs(back - colour).max() <= (1 if planes.bits == 10 else 3)


def test_colours_are_those_of_bt_709_in_full_range():
    pixels = np.array([[(255, 0, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255)]], np.uint8)
    luma, blue, red = to_yuv(pixels, Format("4:4:4", 10))
    assert luma.tolist() == [[217, 74, 514, 1023]]
    assert blue.tolist() == [[395, 1023, 512, 512]]
    assert red.tolist() == [[1023, 465, 512, 512]]


def test_chroma_of_half_size_is_interpolated():
    ramp = np.linspace(40, 215, 64).astype(np.uint8)
    pixels = np.stack([*np.broadcast_arrays(ramp[:, None], ramp[None, ::-1]), np.full((64, 64), 90)], axis=2)
    planes = Format("4:2:0", 10)
    back = to_rgb(to_yuv(pixels.astype(np.uint8), planes), planes)
    assert psnr(pixels[2:-2, 2:-2].astype(np.uint8), back[2:-2, 2:-2]) > 50


def test_whole_chroma_keeps_every_pixel():
    pixels = np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    back = to_rgb(to_yuv(pixels, FORMATS[0]), FORMATS[0]).astype(int)
    assert np.abs(back - pixels).max() <= 1


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("jxl", "pillow_jxl", "pillow-jxl-plugin"),
        ("vvc", "imageio_ffmpeg", "imageio-ffmpeg"),
        ("webp", "webp", "webp"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_package(monkeypatch, name, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibrary, match=f"{name}.*pip install {package}"):
        codec_named(name, "base", 7)


def test_an_unknown_name_is_an_error_that_names_the_known():
    with pytest.raises(BadRequest, match=r"jpeg-usual"):
        codec_named("jpg", "base", 7)


def test_the_command_compares_with_every_codec_at_its_best():
    assert ALL.split(",") == list(BEST)
    assert set(USUAL) == set(BEST) - {"trellic", "jpeg2000"}


def test_usual_jpeg_is_what_pillow_writes_by_itself():
    buffer = io.BytesIO()
    Image.fromarray(textured(40, 56)).save(buffer, "JPEG", quality=50)
    assert JPEG_USUAL.encode(textured(40, 56), 50) == buffer.getvalue()
