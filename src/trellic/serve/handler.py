"""HTTP/1.1 on one connection: requests are checked, answers sent, failures become a line of JSON."""

import contextlib
import io
import socket
import sys
import time
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from trellic import __version__
from trellic.container.bytes import Data
from trellic.errors import MissingAdapter, MissingModel, PictureTooLarge, TrellicError
from trellic.files import open_bytes
from trellic.serve.answers import Answer, Refused, knows, refusal
from trellic.serve.ranges import range_of
from trellic.serve.site import Answering, Request

MOST_SENT = 1 << 25
"""Bytes of a picture that a client sends."""
PATIENCE = 20.0
"""Seconds that a connection may be silent; three times that for the headers of a request, and for its body."""
PIECE = 1 << 16
STATUSES = {
    MissingModel: HTTPStatus.NOT_FOUND,
    MissingAdapter: HTTPStatus.NOT_FOUND,
    PictureTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""Statuses of errors; others are of what was sent: 422."""
FIXED = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
"""Headers of every answer: other sites show nothing of what is served here."""


class _Patient(io.RawIOBase):
    """What a client sends: each read waits for PATIENCE, and none beyond the deadline of the request."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.deadline = connection, 0.0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer. Raises TimeoutError."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(min(PATIENCE, left))
        try:
            return self.connection.recv_into(buffer)
        finally:
            self.connection.settimeout(PATIENCE)  # sending has as long, each time


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of a connection.

    is_named  returns whether a Host header may name the server
    """

    protocol_version = "HTTP/1.1"
    server_version = f"trellic/{__version__}"
    sys_version = ""
    timeout = PATIENCE

    def __init__(self, site: Answering, is_named: Callable[[str], bool], *connection: Any) -> None:
        self.site, self.is_named = site, is_named
        super().__init__(*connection)

    def setup(self) -> None:
        """Read from the connection patiently, not for ever."""
        super().setup()
        self.rfile.close()
        self._sent = _Patient(self.connection)
        self.rfile = io.BufferedReader(self._sent)

    def handle_one_request(self) -> None:
        """Answer a request whose headers come in time."""
        self._sent.deadline = time.monotonic() + 3 * PATIENCE
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer a request, whatever goes wrong with it."""
        self._unread = "Transfer-Encoding" in self.headers or self._header("Content-Length") not in {"", "0"}
        try:
            self._check_origin()
            known, accept = self._header("If-None-Match"), self._header("Accept")
            answer = self.site.answer(Request(self.command, self.path, accept, known, self._body))
            self.close_connection |= self._unread  # what follows is no request
            self._send(answer)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self._send(_failure(error))

    do_HEAD = do_POST = do_GET  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP, or has a method that is not known here."""
        self._send(refusal(HTTPStatus(code), message or explain or HTTPStatus(code).phrase))

    def log_message(self, *_: object) -> None:
        """Print nothing: what fails is answered."""

    def _header(self, name: str) -> str:
        """Return a header, "" where it is missing; those of one name are joined, as the standard has it."""
        return ", ".join(self.headers.get_all(name, [])) if hasattr(self, "headers") else ""

    def _check_origin(self) -> None:
        """Raise Refused where a page of elsewhere asks: by a name made to resolve to this machine, or by sending."""
        host, origin = self._header("Host"), self._header("Origin")
        if not self.is_named(host):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        if self.command == "POST" and origin not in {"", f"http://{host}", f"https://{host}"}:
            raise Refused(HTTPStatus.FORBIDDEN, "only the page of this server may send pictures")

    def _body(self) -> bytes:
        """Return what the client sends. Raises Refused, or TimeoutError."""
        length = self._header("Content-Length")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "the length of what is sent is missing")
        if len(length) > 12 or int(length) > MOST_SENT:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_SENT} bytes")
        left, pieces = int(length), []
        self._sent.deadline = time.monotonic() + 3 * PATIENCE
        while left:
            piece = self.rfile.read1(min(left, PIECE))
            if not piece:
                raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"{left} bytes did not come")
            pieces.append(piece)
            left -= len(piece)
        self._unread = False
        return b"".join(pieces)

    def _send(self, answer: Answer) -> None:
        """Send an answer; of a tagged one only the part that is asked for, and nothing of what the client has.

        Raises Refused.
        """
        self.close_connection |= answer.status >= HTTPStatus.BAD_REQUEST  # what was sent with it may not be read yet
        with _opened(answer.body) as body:
            status, start, stop = answer.status, 0, len(body)
            headers = {**FIXED, "Cache-Control": answer.cache, **answer.headers}
            if answer.tag:
                headers |= {"ETag": f'"{answer.tag}"', "Accept-Ranges": "bytes"}
                if knows(self._header("If-None-Match"), answer.tag):
                    status, stop = HTTPStatus.NOT_MODIFIED, 0
                elif part := self._part(answer.tag, len(body)):
                    status, (start, stop) = HTTPStatus.PARTIAL_CONTENT, part
                    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
            if status != HTTPStatus.NOT_MODIFIED:
                headers |= {"Content-Type": answer.kind, "Content-Length": str(stop - start)}
            if self.close_connection:
                headers["Connection"] = "close"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._transfer(body, start, stop)

    def _part(self, tag: str, length: int) -> tuple[int, int] | None:
        """Return the range that is asked for, None where it is all. Raises Refused."""
        same = self._header("If-Range") in {"", f'"{tag}"'}
        return range_of(self._header("Range"), length) if same else None

    def _transfer(self, body: Data, start: int, stop: int) -> None:
        """Send a part of a body; close the connection where that fails, since its length is announced already."""
        try:
            for at in range(start, stop, PIECE):
                piece = body[at : min(at + PIECE, stop)]
                self.wfile.write(piece)
                if len(piece) < min(PIECE, stop - at):  # the file was cut meanwhile
                    self.close_connection = True
                    return
        except OSError:
            self.close_connection = True


def _opened(body: bytes | Path) -> contextlib.AbstractContextManager[Data]:
    return open_bytes(body) if isinstance(body, Path) else contextlib.nullcontext(body)


def _failure(error: Exception) -> Answer:
    """Return the answer that says what went wrong; what should not happen is printed, too."""
    if isinstance(error, Refused):
        return refusal(error.status, str(error))
    if isinstance(error, MemoryError):
        return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not enough memory")
    if isinstance(error, TrellicError):
        return refusal(STATUSES.get(type(error), HTTPStatus.UNPROCESSABLE_ENTITY), str(error))
    if isinstance(error, OSError):
        return refusal(HTTPStatus.NOT_FOUND, "the file cannot be read")
    traceback.print_exception(error, file=sys.stderr)
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "an error that should not happen")
