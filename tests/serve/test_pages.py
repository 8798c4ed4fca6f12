from trellic.serve import pages
from trellic.serve.pages import WORKER, page_files


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
