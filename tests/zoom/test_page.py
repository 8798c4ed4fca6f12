"""The viewer in a real browser, on tiles that are served and on a folder of them; skipped where there is none."""

import functools
import http.server
import threading

import pytest

from trellic.zoom.pyramid import write_pyramid


@pytest.fixture
def static(tmp_path, tiny, stream):
    """The URL of a folder of tiles behind a plain server of files."""
    write_pyramid(tiny.decode_strips(stream), tmp_path / "tiles", "webp", replace=False)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "tiles"))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


def levels_shown(page):
    """Return the levels of tiles that are there, loaded."""
    script = "images => images.filter(one => one.naturalWidth).map(one => one.src.split('/').at(-3))"
    return {int(level) for level in page.eval_on_selector_all("#view img", script)}


@pytest.mark.parametrize("kind", ["served", "static"])
def test_a_picture_is_seen_at_every_zoom(kind, browser, request):
    url = request.getfixturevalue("static") if kind == "static" else request.getfixturevalue("server").url
    page = browser.new_page(viewport={"width": 800, "height": 600})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(url)
    loaded = "() => [...document.querySelectorAll('#view img')].every(one => one.complete && one.naturalWidth)"
    page.wait_for_function(loaded)
    assert max(levels_shown(page)) == 3
    assert page.inner_text("#scale") == "36 %"
    page.mouse.move(400, 300)
    for _ in range(3):
        page.mouse.wheel(0, -300)
    page.wait_for_function(loaded)
    assert max(levels_shown(page)) == 4
    assert page.inner_text("#scale") == "291 %"
    before = page.get_attribute("#view img[src$='4/4/1.webp'], #view img[src$='4/4/1.png']", "style")
    page.mouse.down()
    page.mouse.move(300, 300)
    page.mouse.up()
    assert page.get_attribute("#view img[src$='4/4/1.webp'], #view img[src$='4/4/1.png']", "style") != before
    page.focus("#view")
    page.keyboard.press("0")
    page.wait_for_function(loaded)
    assert page.inner_text("#scale") == "36 %"
    assert complaints == [] or all("favicon" in text or "404" in text for text in complaints)
    page.close()
