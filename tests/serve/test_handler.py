import contextlib
import itertools
import socket
import time

import pytest

from dropping import png
from trellic import api
from trellic.serve import handler as module

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def raw(server, data: bytes) -> bytes:
    """Return all that the server answers to bytes, until it closes the connection."""
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_the_page_and_its_parts_are_sent_and_not_sent_again(server, ask):
    first = ask("/")
    assert first.status == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in first.headers["content-security-policy"]
    again = ask("/", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_part_of_a_file_is_sent(shared, ask):
    whole = (shared / "b.tlic").read_bytes()
    part = ask("/files/b.tlic", Range="bytes=10-19")
    assert (part.status, part.body) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert ask("/files/b.tlic", Range="bytes=10-19", If_Range='"other"').body == whole
    assert ask("/files/b.tlic", Range="bytes=10-19", If_Range=part.headers["etag"]).body == whole[10:20]
    assert ask("/files/b.tlic", Range="bytes=0-1,4-5").body == whole
    outside = ask("/files/b.tlic", Range=f"bytes={len(whole)}-")
    assert outside.status == 416
    assert str(len(whole)) in outside.json["error"]


def test_a_head_request_gets_no_body(shared, ask):
    reply = ask("/files/b.tlic", "HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) == (shared / "b.tlic").stat().st_size


def test_a_picture_that_is_sent_comes_back_as_a_stream(ask):
    reply = ask("/api/encode?quality=50", "POST", png(40, 50))
    assert (reply.status, reply.headers["content-type"]) == (200, "image/x-tlic")
    assert api.decode(reply.body).size == (50, 40)
    reply = ask("/api/code?codec=webp&bytes=900", "POST", png(40, 50))
    assert reply.headers["content-type"] == "image/webp"


def test_the_folder_is_listed(ask):
    found = ask("/api/folder").json
    assert [file["name"] for file in found["files"]] == ["a b.png", "b.tlic", "deep/ü.tlic"]
    assert found["codecs"] == ["jpeg", "webp", "avif"]
    assert ask("/files/deep/%C3%BC.tlic").status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [("/api/encode?quality=50", b"no picture", 415, "no picture of kind"),
     ("/api/encode?quality=50", png(40, 50)[:-30], 422, "cannot be read"),
     ("/api/encode?quality=500", png(40, 50), 422, "between 0 and 100"),
     ("/api/code?codec=gif&bytes=9", png(40, 50), 422, "no codec 'gif'"),
     ("/api/other", b"", 404, "nothing")],
)  # fmt: skip
def test_an_error_is_a_line_of_json(ask, path, body, status, says):
    reply = ask(path, "POST", body)
    assert reply.status == status
    assert says in reply.json["error"]


def test_what_is_too_large_is_refused_unread(server):
    request = b"POST /api/encode?quality=50 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    for length in (module.MOST_SENT + 1, 10**40):
        assert raw(server, request % length).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", [b"", b"Content-Length: -1\r\n", b"Content-Length: 9\r\nContent-Length: 10\r\n",
                                    b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n"])  # fmt: skip
def test_what_has_no_plain_length_is_refused(server, length):
    head = b"POST /api/encode?quality=50 HTTP/1.1\r\nHost: localhost\r\n"
    assert raw(server, head + length + b"\r\n123456789").startswith(b"HTTP/1.1 411 ")


def test_what_is_cut_off_ends_the_connection(server):
    head = b"POST /api/encode?quality=50 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
    assert raw(server, head + b"12345").startswith(b"HTTP/1.1 408 ")


def test_what_is_sent_with_a_question_is_no_question_itself(server):
    inner = HEAD.replace(b"/ HTTP", b"/inner HTTP") + b"\r\n"
    answer = raw(server, HEAD + b"Content-Length: %d\r\n\r\n" % len(inner) + inner)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_silent_client_is_left(server, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        connection.sendall(b"POST /api/encode?quality=50 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n")
        assert connection.recv(100) == b""


def test_a_client_whose_headers_never_end_is_left(server, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        start = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for byte in itertools.cycle(b"GET"):  # never silent for as long as PATIENCE
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        assert 0.2 < time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"GARBAGE\r\n\r\n", b"Bad request syntax"), (b"GET / HTTP/9.9\r\n\r\n", b"Invalid HTTP version"),
     (b"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 501 "), (b"GET / HTTP/1.1\r\n\r\n", b" 421 "),
     (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", b" 414 "), (HEAD + b"X: y\r\n" * 200 + b"\r\n", b" 431 "),
     (HEAD + b"X: " + b"y" * 70000 + b"\r\n\r\n", b" 431 ")],
)  # fmt: skip
def test_hostile_requests_are_refused(server, ask, data, says):
    answer = raw(server, data)
    assert says in answer
    assert answer.endswith(b'"}\n')
    assert ask("/").status == 200


def test_no_header_of_a_request_comes_back(server):
    answer = raw(server, b"GET /x%0d%0aSet-Cookie:%20a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"Set-Cookie" not in answer


def test_pages_of_elsewhere_reach_nothing(ask):
    assert ask("/", Host="evil.example:80").status == 421
    assert ask("/api/encode?quality=50", "POST", png(40, 50), Origin="http://evil.example").status == 403
    assert ask("/", Host="localhost").status == 200
    assert ask("/").headers["cross-origin-resource-policy"] == "same-origin"


def test_a_fault_is_one_line_for_the_client_and_a_trace_for_the_owner(server, ask, monkeypatch, capsys):
    monkeypatch.setattr(server.site, "folder", 7)
    reply = ask("/api/folder")
    assert (reply.status, reply.json) == (500, {"error": "an error that should not happen"})
    assert "AttributeError" in capsys.readouterr().err
