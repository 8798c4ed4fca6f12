"""The page in a real browser; skipped where there is none."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from conftest import GOLDEN, sections_of, textured
from dropping import drop, png, upright
from trellic import api
from trellic.container import write_stream
from trellic.metrics import psnr

STREAM = (GOLDEN / "tcq8.tlic").read_bytes()
OWN = {"codecs": ["jpeg", "webp", "avif"]}


def figures(page) -> dict[str, list[str]]:
    """Return the cells of the table by the names of its rows."""
    rows = "rows => rows.map(row => [row.dataset.name, ...[...row.cells].slice(1).map(cell => cell.textContent)])"
    return {name: cells for name, *cells in page.eval_on_selector_all("#figures tr", rows)}


def is_done(page) -> None:
    page.wait_for_selector("#work:not([aria-busy])")


def test_a_dropped_picture_is_coded_and_compared_at_the_same_bytes(visit):
    page = visit()
    drop(page, photo_png=png())
    page.wait_for_selector("tr[data-name=avif]")
    is_done(page)
    found = figures(page)
    assert list(found) == ["original", "trellic", "jpeg", "webp", "avif"]
    size = int(found["trellic"][0].replace(",", ""))
    for name in OWN["codecs"]:
        assert abs(int(found[name][0].replace(",", "")) - size) < 0.3 * size
        assert 15 < float(found[name][2]) < 60
    assert float(found["trellic"][1]) == pytest.approx(8 * size / (96 * 160), abs=1e-3)
    with page.expect_download() as download:
        page.click("#save-tlic")
    assert download.value.suggested_filename == "photo.tlic"
    decoded = np.asarray(api.decode(download.value.path()))
    assert float(found["trellic"][2]) == pytest.approx(psnr(textured(96, 160), decoded), abs=0.02)


def test_quality_is_chosen_by_the_keyboard(visit):
    page = visit()
    drop(page, photo_png=png())
    page.wait_for_selector("tr[data-name=avif]")
    before = figures(page)["trellic"]
    page.focus("#quality")
    page.keyboard.press("End")
    page.locator("tr[data-name=trellic] td", has_text=before[0]).first.wait_for(state="detached")
    page.wait_for_selector("tr[data-name=avif]:not(.old)")
    assert page.locator(".old").count() == 0
    assert page.input_value("#quality") == page.inner_text("#chosen") == "100"


def test_a_stream_is_decoded_in_the_page_and_sent_nowhere(visit, seen):
    page = visit()
    drop(page, photo_tlic=STREAM)
    page.wait_for_selector("tr[data-name=trellic]")
    is_done(page)
    with page.expect_download() as download:
        page.click("#save-png")
    expected = upright(GOLDEN / "tcq8.tlic")
    with Image.open(download.value.path()) as image:
        assert download.value.suggested_filename == "photo.png"
        assert np.abs(np.asarray(image).astype(int) - expected).max() <= 1
    assert {request.method for request in seen} == {"GET"}
    assert "75 × 50" in page.inner_text("#about")


def test_a_stream_is_compared_with_the_picture_dropped_beside_it(visit, coding):
    page = visit()
    drop(page, photo_png=png(), photo_tlic=coding.encode(png(), 30))
    page.wait_for_selector("tr[data-name=avif]")
    assert list(figures(page)) == ["original", "trellic", *OWN["codecs"]]


def test_a_picture_that_is_to_be_turned_is_compared_upright(visit):
    image, buffer = Image.fromarray(textured(96, 160)), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(buffer, "JPEG", quality=95, exif=exif)
    page = visit()
    drop(page, photo_jpg=buffer.getvalue())
    page.wait_for_selector("tr[data-name=avif]")
    assert "96 × 160" in page.inner_text("#about")
    found = figures(page)
    assert all(float(found[name][2]) > 20 for name in ("trellic", "webp", "avif"))


def test_the_slider_divides_the_pictures(visit):
    page = visit()
    drop(page, photo_png=png())
    page.wait_for_selector("tr[data-name=trellic]")
    page.focus("#split")
    page.keyboard.press("Home")
    assert page.eval_on_selector("#stage", "stage => stage.style.getPropertyValue('--split')") == "0%"
    box = page.locator("#stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
    page.mouse.up()
    assert float(page.input_value("#split")) == pytest.approx(75, abs=2)
    clip = page.eval_on_selector(".layer.right", "layer => getComputedStyle(layer).clipPath")
    assert float(clip.split()[-1].rstrip("%)")) == float(page.input_value("#split"))


def test_pictures_are_zoomed_moved_and_chosen(visit):
    page = visit()
    drop(page, photo_png=png())
    page.wait_for_selector("tr[data-name=avif]")
    page.click("#real")
    assert page.inner_text("#scale") == "100 %"
    page.focus("#stage")
    for _ in range(8):
        page.keyboard.press("+")
    assert page.inner_text("#scale") == "1600 %"
    place = "document.querySelector('canvas').style.transform"
    before = page.evaluate(place)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(place) != before
    page.keyboard.press("0")
    page.select_option("#right", "jpeg")
    seen = page.evaluate("[...document.querySelectorAll('canvas')[1].getContext('2d').getImageData(0, 0, 1, 1).data]")
    assert seen[3] == 255


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_the_page_fits_a_phone_and_a_desk(visit, width, scheme):
    page = visit(width=width, scheme=scheme)
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        outside = """all => all.filter(each => each.offsetParent && each.type !== "range").map(each => {
          const {left, right} = each.getBoundingClientRect();
          return left < 0 || right > innerWidth;
        })"""
        assert not any(page.eval_on_selector_all("button, select, th, td, p", outside))
        drop(page, photo_png=png())
        page.wait_for_selector("tr[data-name=avif]")
    bright = sum(
        int(part) for part in page.evaluate("getComputedStyle(document.body).backgroundColor")[4:-1].split(",")
    )
    assert (bright > 384) == (scheme == "light")


def test_every_control_has_a_name(visit):
    page = visit()
    unnamed = """all => all.filter(each =>
      !each.getAttribute("aria-label") && !each.labels?.length && !each.textContent.trim()
    ).map(each => each.outerHTML)"""
    assert page.eval_on_selector_all("button, input, select, output", unnamed) == []


def test_what_cannot_be_shown_is_a_line(visit):
    header, sections = sections_of(STREAM)
    page = visit()
    for name, data, says in (
        ("bad_tlic", STREAM[:-9], "bad.tlic: "),
        ("bad_png", b"no picture", "cannot show that kind of picture"),
        ("bad_tlic", write_stream(replace(header, model=bytes(4)), sections), "00000000"),
    ):
        drop(page, **{name: data})
        page.locator("#failure", has_text=says).wait_for()
    drop(page, photo_tlic=STREAM)
    page.wait_for_selector("tr[data-name=trellic]")
    assert page.is_hidden("#failure")


def test_files_of_the_folder_are_shown_and_opened(visit):
    page = visit()
    assert page.locator("#files button").count() == 3
    shown = "() => [...document.querySelectorAll('#files img')].every(image => image.naturalWidth)"
    page.wait_for_function(shown)  # a stream too: the server decodes it for a browser that does not
    page.locator("#files button").nth(2).click()
    page.wait_for_selector("tr[data-name=trellic]")
    assert page.inner_text("#name") == "ü.tlic"
