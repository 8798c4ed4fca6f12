"""What looks drawn is coded exactly where that is smaller; photographs are not; nothing is lost where that is asked."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target, picture_encoder, units
from trellic.codec.costs import error_weight
from trellic.codec.drawn import drawn_fraction
from trellic.codec.layer_targets import LayerTargets
from trellic.codec.picture_decoder import PartsMissing
from trellic.container import Section, SectionType, Stream, write_stream
from trellic.container.header import QUALITY_ONE
from trellic.errors import BadRequest, DamagedStream
from trellic.metrics import psnr
from trellic.picture.metadata import Metadata
from trellic.picture.types import Picture


@pytest.fixture(scope="module")
def codec():
    """The shipped model, by a quick quantizer: layouts are what is tested."""
    return Codec(threads=2, effort=3)


@pytest.fixture(scope="module")
def tiny():
    """A codec of a tiny model."""
    return Codec(str(GOLDEN / "golden.trm"), 2)


def text(height: int, width: int) -> np.ndarray:
    """Return a page of writing, black on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for top in range(4, height, 14):
        draw.text((4, top), "What is drawn repeats itself, and is coded exactly. " * (width // 60), fill="black")
    return np.array(image)


def checkerboard(height: int, width: int) -> np.ndarray:
    return np.dstack([np.indices((height, width)).sum(axis=0) % 2 * 255] * 3).astype(np.uint8)


def gradient(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.dstack([x % 256, y % 256, (x + y) // 2 % 256]).astype(np.uint8)


DRAWN = {
    "text": text(256, 256),
    "checkerboard": checkerboard(256, 256),
    "gradient": gradient(200, 256),
    "bars": np.repeat(np.random.default_rng(0).integers(0, 256, (1, 8, 3), np.uint8), 32, axis=1).repeat(256, axis=0),
    "white": np.full((300, 200, 3), 255, np.uint8),
    "blue": np.full((256, 256, 3), (0, 0, 255), np.uint8),
}


def kinds(data: bytes) -> list[int]:
    return [unit.coded.type for unit in Stream.parse(data).units]


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_coded_exactly(name, codec):
    for quality in (20, 80, 100):
        data = codec.encode(DRAWN[name], quality)
        assert kinds(data) == [SectionType.EXACT]
        assert np.array_equal(codec.decode(data).convert("RGB"), DRAWN[name])


def test_a_white_page_takes_tens_of_bytes(codec):
    page = Picture(np.full((2000, 2000, 3), 255, np.uint8))
    data = codec.encode_picture(page, Target(50)).data
    assert len(data) < 60
    assert (codec.decode_picture(data).pixels == 255).all()


def test_photographs_are_not_tried(tiny, photograph, monkeypatch):
    monkeypatch.setattr(units.ExactCoder, "code", None)
    for picture in (photograph, Picture(photograph.pixels[:, :, :1].repeat(3, 2), grey=True)):
        assert drawn_fraction(picture.pixels) == 0
        assert kinds(tiny.encode_picture(picture, Target(50)).data) == [SectionType.LATENTS]


def test_a_photograph_in_a_document_is_coded_by_small_tiles(codec, photograph):
    page = text(512, 768)
    page[256:, 512:] = photograph.pixels[:256, :256]
    encoded = codec.encode_picture(Picture(page), Target(50))
    stream = Stream.parse(encoded.data)
    found = {unit.coded.type for unit in stream.units}
    assert found == {SectionType.LATENTS, SectionType.EXACT}
    shown = codec.decode_picture(stream).pixels
    assert np.array_equal(shown[:, :512], page[:, :512])
    assert np.array_equal(shown[:256], page[:256])
    assert psnr(page[256:, 512:], shown[256:, 512:]) > 30
    crop = codec.decode_picture(stream, (450, 200, 100, 100)).pixels
    assert np.abs(crop.astype(int) - shown[200:300, 450:550]).max() <= 1


def test_only_the_layout_that_is_kept_is_searched(codec, photograph, monkeypatch):
    """Of a page with a photograph: the photograph's tile; of one that is exact throughout, nothing."""
    rounds = []

    def code_unit(sessions, deployed, quality, window, tune, refinement, *rest):
        rounds.append(refinement.rounds)
        return units.code_unit(sessions, deployed, quality, window, tune, refinement, *rest)

    monkeypatch.setattr(picture_encoder, "code_unit", code_unit)
    page = text(512, 768)
    searching = codec.using(effort=7)
    searching.encode_picture(Picture(page), Target(50))
    assert set(rounds) == {0}
    rounds.clear()
    page[256:, 512:] = photograph.pixels[:256, :256]
    data = searching.encode_picture(Picture(page), Target(50)).data
    assert rounds == [0] * (len(rounds) - 1) + [2]
    assert kinds(data).count(SectionType.LATENTS) == 1


@pytest.mark.parametrize("quality", [20, 80])
def test_beside_an_exact_tile_a_photograph_is_as_good_as_at_the_edge_of_a_picture(quality, codec, photograph):
    """No latents are there: the analysis must see no more across the edge than the synthesis does."""
    page = text(512, 768)
    page[256:, 512:] = photograph.pixels[:256, :256]
    shown = codec.decode_picture(codec.encode_picture(Picture(page), Target(quality)).data).pixels[256:, 512:]
    alone = codec.decode_picture(codec.encode(photograph.pixels[:256, :256], quality)).pixels
    for part in ((slice(0, 8), slice(0, 256)), (slice(0, 256), slice(0, 8))):
        beside, at_an_edge = (psnr(page[256:, 512:][part], pixels[part]) for pixels in (shown, alone))
        assert beside > at_an_edge - 1.5


def test_flat_tiles_of_a_large_picture_are_not_analysed(tiny, monkeypatch):
    monkeypatch.setattr(picture_encoder, "MOST_AT_ONCE", 1000)
    monkeypatch.setattr(picture_encoder, "code_unit", None)
    codec = Codec(str(GOLDEN / "golden.trm"), 2, tile=256)
    assert kinds(codec.encode(np.full((300, 700, 3), 200, np.uint8))) == [SectionType.EXACT] * 3


def test_the_psnr_that_is_reported_is_that_of_the_layout_that_is_kept(codec, photograph):
    page = text(256, 384)
    page[:, 256:] = photograph.pixels[:256, :128]
    encoded = codec.encode_picture(Picture(page), Target(psnr=30.0))
    assert encoded.psnr == pytest.approx(psnr(page, codec.decode_picture(encoded.data).pixels), abs=0.02)
    assert encoded.psnr >= 30


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["RGB", "RGBA", "L", "LA"]), st.booleans())
@settings(deadline=None, max_examples=25)
def test_nothing_is_lost_where_that_is_asked(height, width, mode, drawn):
    codec = Codec(str(GOLDEN / "golden.trm"), 1)
    samples = (text if drawn else textured)(height, width)
    alpha = Image.fromarray(textured(height, width, 1)[:, :, 0] // 128 * 99)
    image = Image.fromarray(samples).convert(mode[:-1] if "A" in mode else mode)
    if "A" in mode:
        image.putalpha(alpha)
    decoded = codec.decode(codec.encode(image, lossless=True))
    if mode == "RGBA" or "A" in decoded.mode:
        assert np.array_equal(decoded.convert("RGBA"), image.convert("RGBA"))
    else:
        assert np.array_equal(decoded.convert("RGB"), image.convert("RGB"))


def test_a_large_picture_is_lossless_tile_by_tile(tiny, monkeypatch):
    monkeypatch.setattr(picture_encoder, "MOST_AT_ONCE", 1000)
    alpha = np.full((300, 700), 255, np.uint8)
    alpha[:100, :90] = np.arange(90)
    picture = Picture(textured(300, 700), alpha=alpha, metadata=Metadata(exif=b"exif"))
    codec = Codec(str(GOLDEN / "golden.trm"), 2, tile=256)
    data = codec.encode_picture(picture, Target(lossless=True)).data
    assert kinds(data) == [SectionType.EXACT_ALPHA, SectionType.EXACT, SectionType.EXACT]
    decoded = codec.decode_picture(data)
    assert np.array_equal(decoded.pixels, picture.pixels)
    assert np.array_equal(decoded.alpha, alpha)
    other = replace(picture, pixels=picture.pixels[::-1])
    assert codec.verify(data) != codec.verify(codec.encode_picture(other, Target(lossless=True)).data)


def test_lossless_is_as_small_as_webp(codec):
    picture = text(500, 700)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True)
    assert len(codec.encode(picture, lossless=True)) < 1.03 * len(buffer.getvalue())


def test_lossless_is_a_target_of_its_own():
    with pytest.raises(BadRequest):
        Target(lossless=True, psnr=40.0)


@pytest.mark.parametrize("name", [*DRAWN, "photograph"])
def test_quality_100_is_never_larger_and_worse_than_80(name, codec, small_picture):
    pixels = DRAWN.get(name, small_picture.pixels)
    sizes, errors = [], []
    for quality in (80, 100):
        data = codec.encode(pixels, quality)
        sizes.append(len(data))
        errors.append(float(np.square(pixels.astype(int) - codec.decode_picture(data).pixels).mean()))
    assert sizes[1] <= sizes[0] or errors[1] <= errors[0]


@pytest.mark.parametrize("quality", [20, 60, 100])
def test_a_screen_with_errors_is_never_larger_than_one_without(quality, codec, photograph):
    page = text(256, 512)
    page[64:192, 128:256] = photograph.pixels[:128, :128]
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "WEBP", lossless=True)
    data = codec.encode(page, quality)
    assert len(data) <= len(buffer.getvalue()) + 10


def cost(picture: Picture, codec: Codec, data: bytes, quality: float) -> float:
    """Return what a stream takes in bits, and in error."""
    error = np.square(picture.pixels.astype(int) - codec.decode_picture(data).pixels).sum()
    return 8 * len(data) + error_weight(round(quality * QUALITY_ONE)) * float(error)


def golden(**options) -> Codec:
    """Return a codec of a tiny model, of whose pictures much can be restored."""
    return Codec(str(GOLDEN / "golden.trm"), 2, **options)


@pytest.fixture(scope="module")
def strange(photograph):
    """A photograph in colours that no network was trained on: there is much to restore."""
    return np.ascontiguousarray(photograph.pixels[:250, :390, [2, 0, 1]])


@pytest.mark.parametrize("kind", ["whole", "grey", "tiles", "blocks", "layers"])
def test_restoration_saves_more_than_it_takes(kind, strange):
    pixels = np.repeat(255 - strange[:, :, :1] // 2, 3, axis=2) if kind == "grey" else strange
    picture = Picture(pixels, grey=kind == "grey")
    target = Target(60, layers=LayerTargets.of(4) if kind == "layers" else None)
    tile = {"tiles": 256, "blocks": 128}.get(kind, 1024)
    plain, restoring = (golden(tile=tile, predict=kind == "blocks", restore=way) for way in (False, True))
    before, after = (each.encode_picture(picture, target).data for each in (plain, restoring))
    assert not Stream.parse(before).header.restoration
    assert Stream.parse(after).header.restoration or kind == "grey"
    assert cost(picture, restoring, after, 60) <= cost(picture, restoring, before, 60)


def test_the_psnr_of_a_restored_picture_is_that_of_its_file(tiny, strange):
    picture = Picture(strange)
    encoded = golden(tile=256).encode_picture(picture, Target(70))
    assert Stream.parse(encoded.data).header.restoration
    assert encoded.psnr == pytest.approx(psnr(picture.pixels, tiny.decode_picture(encoded.data).pixels), abs=1e-9)


def test_what_is_quick_or_coded_again_and_again_is_not_restored(strange):
    pixels = strange[:200, :300]
    for codec in (golden(effort=1), golden(quantizer="lattice"), golden(restore=False)):
        assert not Stream.parse(codec.encode(pixels, 60)).header.restoration
    for codec in (golden(effort=3), golden(quantizer="uniform")):
        assert Stream.parse(codec.encode(pixels, 60)).header.restoration


def test_only_the_picture_that_all_of_a_stream_shows_is_restored(codec, strange):
    tiny = golden()
    stream = Stream.parse(tiny.encode(strange, 60, layers=4))
    without = stream.unrestored()
    assert tiny.decode(stream) != tiny.decode(without)
    assert tiny.decode(stream, layers=3) == tiny.decode(without, layers=3)
    stream = Stream.parse(codec.encode(strange, 60))
    without = stream.unrestored()
    assert codec.decode(stream) != codec.decode(without)
    assert codec.decode(stream, realism=1.0) == codec.decode(without, realism=1.0)
    assert codec.decode(stream, groups=2) == codec.decode(without, groups=2)
    assert codec.preview(stream, 2) == codec.preview(without, 2)


def test_damaged_weights_are_found_by_verifying(tiny, photograph):
    stream = Stream.parse(tiny.encode(photograph.pixels[:64, :64], 60))
    sections = [Section(entry.type, stream.read(entry)) for entry in stream.entries]
    damaged = write_stream(replace(stream.header, restoration=b"\1\xff"), sections)
    for use in (tiny.verify, tiny.decode):
        with pytest.raises(DamagedStream, match="weights of the restoration"):
            use(damaged)


def test_wide_blocks_are_shown_in_parts_and_restored_by_their_own_weights(strange, monkeypatch):
    monkeypatch.setattr("trellic.codec.strips.MOST_SHOWN", 1 << 15)
    codec = golden(tile=128, predict=True)
    picture = Picture(np.concatenate([strange[:200], 255 - strange[:200], strange[50:]], axis=1))
    encoded = codec.encode_picture(picture, Target(60))
    assert Stream.parse(encoded.data).header.restoration
    assert encoded.psnr == pytest.approx(psnr(picture.pixels, codec.decode_picture(encoded.data).pixels), abs=1e-9)


def test_a_size_that_only_an_unrestored_picture_has_is_met(strange):
    picture = Picture(strange)
    plain, restored = (golden(tile=256, restore=way).encode_picture(picture, Target(0)).data for way in (False, True))
    assert len(plain) < len(restored)
    assert len(golden(tile=256).encode(picture.pixels, size=len(plain))) == len(plain)


def test_whole_tiles_of_a_cut_stream_stay_restored(strange):
    codec = golden(tile=256)
    data = codec.encode(strange, 60, prefixes=True)
    stream = Stream.parse(data)
    with pytest.warns(PartsMissing):
        shown = np.asarray(codec.decode(Stream.parse(data[: stream.units[-1].coded.end - 9], partial=True)))
    own = stream.header.grid.tile(0).within(stream.header.grid.picture)
    assert np.array_equal(shown[own][:, :-64], np.asarray(codec.decode(data))[own][:, :-64])
    assert not np.array_equal(shown[own][:, :-64], np.asarray(codec.decode(stream.unrestored()))[own][:, :-64])
