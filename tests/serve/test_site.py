import pytest

from conftest import GOLDEN
from trellic.container import Stream
from trellic.errors import MissingAdapter, MissingModel
from trellic.model import DEFAULT, Model, find_model
from trellic.model.adapter_store import COARSE, shipped_adapter
from trellic.serve.answers import FOREVER, Refused
from trellic.serve.folder import Folder
from trellic.serve.site import Request, Site

BROWSER = "image/avif,image/webp,image/*,*/*;q=0.8"


def nothing() -> bytes:
    raise AssertionError("there is no body to read")


def request(target: str, accept: str = "", known: str = "") -> Request:
    return Request("GET", target, accept, known, nothing)


@pytest.fixture
def site(shared, coding, monkeypatch):
    monkeypatch.setenv("TRELLIC_MODELS", str(GOLDEN))
    return Site(coding, Folder(shared))


def test_an_img_is_shown_a_picture_and_others_get_the_stream(site, shared):
    stream, picture = (site.answer(request("/files/b.tlic", accept)) for accept in ("*/*", BROWSER))
    assert (stream.kind, stream.body) == ("image/x-tlic", shared / "b.tlic")
    assert picture.kind == "image/webp"
    assert picture.body.startswith(b"RIFF")
    assert stream.headers["Vary"] == picture.headers["Vary"] == "Accept"
    assert stream.tag != picture.tag


def test_what_a_client_has_is_not_decoded_again(site, monkeypatch):
    tag = site.answer(request("/files/b.tlic", BROWSER)).tag
    monkeypatch.setattr(site.coding, "show", None)
    assert site.answer(request("/files/b.tlic", BROWSER, f'"{tag}"')).tag == tag


def test_a_changed_file_has_another_tag(site, shared):
    before = site.answer(request("/files/a%20b.png")).tag
    (shared / "a b.png").write_bytes(b"other")
    assert site.answer(request("/files/a%20b.png")).tag != before


def test_a_models_decoder_half_is_packed_once_and_kept_forever(site, monkeypatch):
    name = Stream.parse((GOLDEN / "tcq8.tlic").read_bytes()).header.model.hex()
    first = site.answer(request(f"/models/{name}"))
    assert first.cache == FOREVER
    assert 0 < len(first.body) < (GOLDEN / "golden.trm").stat().st_size
    monkeypatch.setattr("trellic.serve.packed.pack_decoder", None)
    assert site.answer(request(f"/models/{name}")) is first


def test_the_adapter_of_coarse_planes_is_merged_for_browsers(site):
    model = Model.read(find_model(DEFAULT))
    adapter = shipped_adapter(COARSE, model.sha256)
    assert site.answer(request(f"/models/{model.name[:8]}+{adapter.name[:8]}")).cache == FOREVER


def test_models_and_adapters_that_are_not_there_are_refused(site):
    with pytest.raises(MissingModel):
        site.answer(request("/models/00000000"))
    name = Stream.parse((GOLDEN / "tcq8.tlic").read_bytes()).header.model.hex()
    with pytest.raises(MissingAdapter):
        site.answer(request(f"/models/{name}+00000000"))


@pytest.mark.parametrize(
    "target",
    ["/none", "/api/encode", "/api", "/files/", "/files/%2e%2e/out.png", "/files/..%2fout.png", "/models/", "/models/x",
     "/models/0000000g", "/models/2F1C77A0", "/models/..%2fbase", "//files/b.tlic", "/index.html/", "http://x/none"],
)  # fmt: skip
def test_nothing_else_is_there(site, target):
    with pytest.raises(Refused) as refused:
        site.answer(request(target))
    assert refused.value.status == 404


@pytest.mark.parametrize("target", ["/%ff", "http://[", "/files/%c3%28.png"])
def test_addresses_that_cannot_be_read_are_refused(site, target):
    with pytest.raises(Refused) as refused:
        site.answer(request(target))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("target", "status"),
    [("/api/encode", 400), ("/api/encode?quality=x", 400), ("/api/encode?quality=nan", 400),
     ("/api/code?codec=jpeg", 400), ("/api/code?codec=jpeg&bytes=1e999", 400), ("/", 404), ("/files/b.tlic", 404),
     ("/api/encode?" + "a=1&" * 99, 400)],
)  # fmt: skip
def test_what_is_wrong_with_a_posted_request_is_found_before_its_body_is_read(site, target, status):
    with pytest.raises(Refused) as refused:
        site.answer(Request("POST", target, "", "", nothing))
    assert refused.value.status == status


def test_without_a_folder_no_files_are_served(coding):
    site = Site(coding)
    assert b'"files": []' in site.answer(request("/api/folder")).body
    with pytest.raises(Refused):
        site.answer(request("/files/b.tlic"))
