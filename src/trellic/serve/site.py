"""Which request is answered by what: the page, a folder's files, packed models, and coding."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from trellic.serve.accept import TLIC, shown_kind
from trellic.serve.answers import NOTHING, Answer, Refused, json_answer, knows
from trellic.serve.coding import OTHERS, Coding
from trellic.serve.folder import TYPES, Folder
from trellic.serve.packed import PackedModels
from trellic.serve.pages import page_files


class Request(NamedTuple):
    """A request.

    target  as it came
    accept  the kinds that the client takes
    known   the If-None-Match header: the tags of what the client has
    body    reads what the client sent
    """

    method: str
    target: str
    accept: str
    known: str
    body: Callable[[], bytes]


class Answering(Protocol):
    """What a server asks."""

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request. Raises Refused or a TrellicError."""


@dataclass
class Site:
    """Answers requests.

    folder  whose files are listed and served, if any
    """

    coding: Coding
    folder: Folder | None = None
    models: PackedModels = field(default_factory=PackedModels)
    pages: dict[str, Answer] = field(default_factory=page_files)

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request. Raises Refused or a TrellicError."""
        try:
            url = urlsplit(request.target)
            path = unquote(url.path, errors="strict")
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "the address cannot be read") from error
        if request.method == "POST":
            return self._coded(path, _values(url.query), request)
        if path in self.pages:
            return self.pages[path]
        if path == "/api/folder":
            return json_answer({"files": self.folder.files() if self.folder else [], "codecs": list(OTHERS)})
        if path.startswith("/files/") and self.folder:
            return self._file(self.folder, path.removeprefix("/files/"), request)
        if path.startswith("/models/"):
            return self.models.find(path.removeprefix("/models/"))
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _coded(self, path: str, values: dict[str, str], request: Request) -> Answer:
        """Return what a picture that was sent is coded to."""
        if path == "/api/encode":
            quality = _number(values, "quality")
            return Answer(TLIC, self.coding.encode(request.body(), quality), cache=NOTHING)
        if path == "/api/code":
            name, size = values.get("codec", ""), round(_number(values, "bytes"))
            return Answer(f"image/{name}", self.coding.encode_like(request.body(), name, size), cache=NOTHING)
        raise Refused(HTTPStatus.NOT_FOUND, "nothing is coded here")

    def _file(self, folder: Folder, name: str, request: Request) -> Answer:
        """Return a file; or the picture of a stream, where the client names kinds of pictures, but not ours."""
        path = folder.find(name)
        kind, facts = TYPES[path.suffix.lower()], path.stat()
        tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
        if kind != TLIC:
            return Answer(kind, path, tag)
        varies = {"Vary": "Accept"}
        shown = shown_kind(request.accept)
        if not shown:
            return Answer(kind, path, tag, headers=varies)
        tag += shown
        shown, body = (shown, b"") if knows(request.known, tag) else self.coding.show(path, shown)
        return Answer(f"image/{shown.lower()}", body, tag, headers=varies)


def _values(query: str) -> dict[str, str]:
    """Return the values of a query by name. Raises Refused."""
    try:
        return {name: values[-1] for name, values in parse_qs(query, max_num_fields=8).items()}
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "too many values") from error


def _number(values: dict[str, str], name: str) -> float:
    """Return a number. Raises Refused."""
    try:
        number = float(values.get(name, ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} is missing, or no number")
    return number
