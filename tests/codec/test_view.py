"""Previews and groups: every one decodes, from every stream, and is what its latents say."""

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, textured
from trellic.codec import Codec, Target
from trellic.codec.picture_decoder import PartsMissing
from trellic.codec.view import averaged, view_of_groups
from trellic.container import Stream
from trellic.errors import BadRequest, DamagedStream, IncompleteStream
from trellic.model.previews import SUFFIX, write_previews
from trellic.picture.types import Picture
from trellic.quantize import quantizer_named
from trellic.tune.fit_previews import fit_previews

MODEL = str(GOLDEN / "golden.trm")
CODEC = Codec(MODEL, 1, tile=256)
GROUPS = len(CODEC.model.schedule.groups)


@pytest.fixture
def with_previews(monkeypatch, tmp_path):
    """A codec whose model has previews."""
    pictures = [Picture(textured(128, 192, seed)) for seed in range(2)]
    data = write_previews(fit_previews(CODEC.model, pictures, quantizer_named("uniform")))
    (tmp_path / f"{CODEC.model.name}{SUFFIX}").write_bytes(data)
    monkeypatch.setenv("TRELLIC_MODELS", str(tmp_path))
    return Codec(MODEL, 1, tile=256)


def stream(height: int = 70, width: int = 90, **options: object) -> bytes:
    return CODEC.encode(textured(height, width), 60, **options)


def test_every_group_boundary_decodes_and_all_groups_are_the_picture():
    data = stream()
    shown = [np.asarray(CODEC.decode(data, groups=groups)) for groups in range(GROUPS + 1)]
    assert {one.shape for one in shown} == {(70, 90, 3)}
    assert np.array_equal(shown[-1], CODEC.decode(data))
    assert not np.array_equal(shown[0], shown[1])


def test_indices_up_to_a_group_do_not_depend_on_what_follows():
    """A decoder that stops early sees the same latents."""
    from trellic.codec.units import decode_unit

    parsed = Stream.parse(stream())
    payloads = parsed.read_units([0])[0]
    whole = decode_unit(CODEC.sessions, parsed, 0, payloads).latents
    for groups in range(1, GROUPS + 1):
        part = decode_unit(CODEC.sessions, parsed, 0, payloads, view=view_of_groups(CODEC.model, groups)).latents
        channels = CODEC.model.schedule.groups[groups - 1].stop
        assert np.array_equal(part[:channels], whole[:channels])


def test_prefixes_show_what_the_whole_stream_shows_and_change_nothing_else(with_previews):
    picture = textured(300, 500)
    plain, data = (with_previews.encode(picture, 60, prefixes=prefixes) for prefixes in (False, True))
    stream = Stream.parse(data)
    assert [stream.read(unit.coded) for unit in stream.units] == Stream.parse(plain).read_all(
        [unit.coded for unit in Stream.parse(plain).units]
    )
    for groups in range(1, GROUPS):
        first = stream.of_groups(groups)
        assert all(one.coded.length < whole.coded.length for one, whole in zip(first.units, stream.units, strict=True))
        assert with_previews.decode(data, groups=groups) == with_previews.decode(plain, groups=groups)
    for scale in (8, 4, 2):
        assert with_previews.preview(data, scale) == with_previews.preview(plain, scale)
    assert stream.of_groups(GROUPS).units == stream.units


def test_a_preview_reads_and_proves_prefixes_alone(with_previews):
    data = bytearray(with_previews.encode(textured(70, 90), 60, prefixes=True))
    shown, (unit,) = with_previews.preview(bytes(data)), Stream.parse(data).of_groups(1).units
    data[-1] ^= 1
    assert with_previews.preview(bytes(data)) == shown
    data[unit.coded.end - 1] ^= 1
    with pytest.raises(DamagedStream, match="checksum"):
        with_previews.preview(bytes(data))


def test_a_tile_that_is_cut_is_shown_from_its_first_groups():
    picture = textured(70, 90)
    data = CODEC.encode(picture, 60, prefixes=True)
    for groups in range(1, GROUPS):
        end = Stream.parse(data).of_groups(groups).units[0].coded.end
        with pytest.warns(PartsMissing, match="first groups"):
            shown = CODEC.decode(Stream.parse(data[: end + 1], partial=True))
        assert shown == CODEC.decode(data, groups=groups)
    with pytest.raises(IncompleteStream):
        CODEC.decode(Stream.parse(data[: Stream.parse(data).of_groups(1).units[0].coded.end - 1], partial=True))


def test_prefixes_are_of_latents_in_one_layer():
    exact = Stream.parse(CODEC.encode(np.zeros((70, 90, 3), np.uint8), 60, prefixes=True))
    assert exact.prefixes is None
    with pytest.raises(BadRequest, match="layers are prefixes"):
        CODEC.encode(textured(70, 90), layers=3, prefixes=True)
    with pytest.raises(BadRequest, match="no prefixes"):
        Codec(MODEL, 1, tile=128, predict=True).encode(textured(70, 90), prefixes=True)


@pytest.mark.parametrize("scale", [8, 4, 2])
@pytest.mark.parametrize(("height", "width"), [(70, 90), (1, 1), (64, 128), (300, 500)])
def test_a_preview_has_the_pictures_size_over_its_scale(with_previews, scale, height, width):
    assert with_previews.preview(stream(height, width), scale).size == (-(-width // scale), -(-height // scale))


def test_without_a_map_a_preview_is_the_average_of_what_the_groups_show():
    codec, data = Codec(MODEL, 1), stream(60, 128)
    shown = codec.preview(data, 8)
    expected = averaged(np.asarray(codec.decode(data, groups=1)), 8)
    assert shown.size == (16, 8)
    assert np.array_equal(np.asarray(shown)[:7], expected[:7])


def test_a_preview_resembles_the_picture(with_previews):
    wanted = averaged(textured(64, 128), 8).astype(float)
    error = np.square(np.asarray(with_previews.preview(stream(64, 128), 8)) - wanted).mean()
    assert error < 0.2 * wanted.var()


def test_tiles_have_no_seams(with_previews):
    """What a tile's preview sees beyond its edge is its neighbour: the same latents give the same pixels."""
    from trellic.codec.strips import StripDecoder
    from trellic.codec.units import DecodedUnit
    from trellic.container import Grid, Header

    view = with_previews.preview_view(8)
    latents = np.random.default_rng(0).normal(0, 1, (CODEC.model.latents, 16, 32)).astype(np.float32)

    def shown(grid: Grid) -> np.ndarray:
        def decode(numbers):
            return [DecodedUnit(latents[:, *grid.tile(number).within(grid.picture, 16)]) for number in numbers]

        header = Header(bytes(4), grid, 10000, 0)
        strips = StripDecoder(with_previews._attached(None, 0).resources(1), header, decode, view=view).parts()
        return np.concatenate([pixels for _, pixels, _ in strips])

    assert np.array_equal(shown(Grid.whole(512, 256)), shown(Grid(512, 256, 256, 128)))


def test_exact_tiles_alpha_and_grey_are_averaged(with_previews):
    pixels = np.dstack([textured(70, 90), np.full((70, 90), 77, np.uint8)])
    exact = with_previews.encode_picture(Picture(pixels[:, :, :3], alpha=pixels[:, :, 3]), Target(lossless=True)).data
    assert np.array_equal(with_previews.preview(exact, 4), averaged(pixels, 4))
    assert np.asarray(with_previews.preview(CODEC.encode(pixels), 8))[:, :, 3].min() == 77
    assert with_previews.preview(CODEC.encode(textured(70, 90)[:, :, 0]), 8).mode == "L"


def test_a_region_is_widened_to_whole_pixels_of_the_preview(with_previews):
    data = stream(300, 500)
    view = with_previews.preview_view(4)
    part = with_previews.decode_strips(data, (130, 65, 50, 3), view).join()
    whole = np.asarray(with_previews.preview(data, 4))
    assert np.array_equal(part.pixels, whole[16:17, 32:45])


def test_what_cannot_be_shown_is_one_clear_error(with_previews):
    for scale in (0, 1, 3, 16, -8):
        with pytest.raises(BadRequest, match="preview"):
            with_previews.preview(stream(), scale)
    for groups in (-1, GROUPS + 1):
        with pytest.raises(BadRequest, match="groups"):
            CODEC.decode(stream(), groups=groups)


def test_averages_are_rounded_and_continued():
    pixels = np.array([[0, 1, 9], [0, 1, 9], [4, 4, 7]], np.uint8)
    assert averaged(pixels, 2).tolist() == [[1, 9], [4, 7]]
    image = Image.fromarray(textured(64, 96))
    assert np.abs(averaged(np.asarray(image), 8).astype(int) - np.asarray(image.reduce(8)).astype(int)).max() <= 1
