"""The files that make the page, and what they do in a real browser: service worker, <tlic-img>, the decoder itself."""

import numpy as np
from PIL import Image, ImageOps

from conftest import GOLDEN
from dropping import drop, png, upright
from trellic import api
from trellic.codec.attached import adapter_of
from trellic.container import Stream
from trellic.model.adapter import Adapter
from trellic.serve import pages
from trellic.serve.folder import Folder
from trellic.serve.pages import PAGE, WORKER, page_files
from trellic.web import STATIC

STREAM = (GOLDEN / "tcq8.tlic").read_bytes()


def test_every_file_has_a_type_a_tag_and_a_policy():
    found = page_files()
    assert {"/", "/app.js", "/style.css", "/tlic.js", "/tlic.wasm", "/demo.webp", WORKER} <= set(found)
    assert found["/tlic.wasm"].kind == "application/wasm"
    for answer in found.values():
        assert answer.tag
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_page_loads_nothing_from_elsewhere():
    for path, answer in page_files().items():
        if path.endswith((".js", ".html", ".css")):
            assert b"https://" not in answer.body, path
            assert b"//cdn" not in answer.body, path


def test_the_service_worker_changes_with_any_file(tmp_path, monkeypatch):
    before = page_files()[WORKER].tag
    assert page_files()[WORKER].tag == before
    (tmp_path / "other.webp").write_bytes(b"other")
    monkeypatch.setattr(pages, "EXAMPLE", tmp_path / "other.webp")
    assert page_files()[WORKER].tag != before


def controlled(visit):
    """Open the page once its service worker is at work."""
    page = visit()
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    return page


def test_a_plain_img_is_decoded_by_the_service_worker(visit, seen):
    page = controlled(visit)
    pixels = page.evaluate(
        """async () => {
          const image = new Image();
          image.src = "files/deep/%C3%BC.tlic?img";
          await image.decode();
          const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
          context.drawImage(image, 0, 0);
          return [...context.getImageData(0, 0, image.width, image.height).data];
        }"""
    )
    expected = upright(GOLDEN / "uniform.tlic")
    found = np.array(pixels).reshape(expected.shape)
    assert np.array_equal(found[..., 3], expected[..., 3])
    visible = expected[..., 3] > 127  # a canvas rounds others
    assert np.abs(found[visible] - expected[visible]).max() <= 2
    assert [each.accept for each in seen if each.path.endswith("?img")] == ["image/x-tlic"]


def test_the_page_works_without_a_network(visit, server):
    page = controlled(visit)
    drop(page, photo_tlic=STREAM)
    page.wait_for_selector("tr[data-name=trellic]")
    page.wait_for_timeout(300)
    server.site.pages.clear()
    server.site.models.find = server.site.folder = None
    page.context.set_offline(True)
    page.reload()
    page.wait_for_selector("#privacy:not(:empty)")
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    drop(page, photo_tlic=STREAM)
    page.wait_for_selector("tr[data-name=trellic]")
    drop(page, photo_png=png())
    page.locator("#failure", has_text="trellic serve").wait_for()


def test_the_first_view_is_small_and_the_second_sends_nothing(visit, server, seen, photograph):
    server.site.folder = None
    stream = api.encode(photograph.pixels[:64, :64], 50, effort=1)
    page = controlled(visit)
    drop(page, photo_tlic=stream)
    page.wait_for_selector("tr[data-name=trellic]")
    page.wait_for_timeout(300)
    assert 1_000_000 < sum(each.sent for each in seen) < 4_600_000
    seen.clear()
    page.reload()
    page.wait_for_selector("#privacy:not(:empty)")
    drop(page, photo_tlic=stream)
    page.wait_for_selector("tr[data-name=trellic]")
    page.wait_for_timeout(300)
    assert {each.path for each in seen if each.sent} - {"/api/folder"} == set()


def test_the_element_is_an_img_for_streams(visit):
    page = visit()
    sizes = page.evaluate(
        """async () => {
          await import("/tlic-img.js");
          const add = (src, alt) => new Promise(done => {
            const image = document.createElement("tlic-img");
            for (const type of ["load", "error"]) {
              image.addEventListener(type, () => done([type, image.naturalWidth, image.naturalHeight]));
            }
            image.setAttribute("alt", alt);
            image.src = src;
            document.body.append(image);
          });
          return [await add("files/b.tlic", "a texture"), await add("files/a%20b.png", "no stream")];
        }"""
    )
    assert sizes == [["load", 75, 50], ["error", 0, 0]]
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    images = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") in {"img", "image"}]
    assert {"a texture", "no stream"} <= set(images)
    assert [page.locator("tlic-img").nth(at).bounding_box()["height"] > 10 for at in range(2)] == [True, True]


def test_a_lazy_element_waits_until_it_comes_near(visit, seen):
    page = visit()
    page.evaluate(
        """async () => {
          await import("/tlic-img.js");
          document.body.style.paddingTop = "9000px";
          document.body.insertAdjacentHTML("beforeend", "<tlic-img loading=lazy src='files/b.tlic?lazy'></tlic-img>");
        }"""
    )
    page.wait_for_timeout(200)
    assert not any("lazy" in each.path for each in seen)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("() => document.querySelector('tlic-img').naturalWidth === 75")


def test_every_golden_streams_indices_have_the_hash_that_python_finds(visit, server, monkeypatch):
    def embedded(prefix: bytes, base: bytes) -> Adapter:
        return adapter_of(Stream.parse((GOLDEN / "adapter.tlic").read_bytes()), base)

    monkeypatch.setattr("trellic.serve.packed.find_adapter_by_hash", embedded)
    server.site.folder = Folder(GOLDEN)
    names = [path.name for path in sorted(GOLDEN.glob("*.tlic"))]
    found = visit().evaluate(
        """async names => {
          const {loadDecoder} = await import("/tlic.js");
          const bytes = async path => new Uint8Array(await (await fetch(path)).arrayBuffer());
          const decoder = await loadDecoder(fetch("/tlic.wasm")), hashes = [];
          for (const name of names) {
            const stream = await bytes(`/files/${name}`);
            const {model, adapter} = decoder.describe(stream), needed = adapter ? `${model}+${adapter}` : model;
            if (!decoder.hasModel(needed)) await decoder.addModel(await bytes(`/models/${needed}`));
            hashes.push(await decoder.verify(stream).catch(error => error.kind));
          }
          return hashes;
        }""",
        names,
    )
    expected = {name: api.verify(GOLDEN / name) for name in names}
    assert dict(zip(names, found, strict=True)) == expected


def test_pictures_are_turned_as_pillow_turns_them(visit):
    values = list(range(6))
    found = visit().evaluate(
        """async values => {
          const {upright} = await import("/upright.js");
          const data = new Uint8ClampedArray(new Uint32Array(values).buffer);
          return [1, 2, 3, 4, 5, 6, 7, 8].map(orientation => {
            const turned = upright({data, width: 3, height: 2, orientation});
            return [turned.width, turned.height, [...new Uint32Array(turned.data.buffer)]];
          });
        }""",
        values,
    )
    for orientation, turned in enumerate(found, 1):
        image = Image.fromarray(np.array(values, np.uint8).reshape(2, 3))
        image.getexif()[0x0112] = orientation
        expected = ImageOps.exif_transpose(image)
        assert turned == [*expected.size, np.asarray(expected).ravel().tolist()]


def test_the_service_worker_keeps_all_that_the_page_loads(visit):
    kept = set((PAGE / "service-worker.js").read_text().split('"'))
    served = {name.removeprefix("/") for name in page_files()} - {"", "index.html", "demo.webp"}
    workers = {"service-worker.js", "tlic-service-worker.js", "tlic-img.js"}
    assert served - kept == workers
    assert {path.name for path in [*PAGE.iterdir(), *STATIC.iterdir()]} >= served
