"""What the server answers with: a body, and what a client may keep of it."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

REVALIDATE, FOREVER, NOTHING = "no-cache", "public, max-age=31536000, immutable", "no-store"
"""What a client keeps: asked for anew each time, kept for a year, not kept."""


class Refused(Exception):
    """A request that is answered with an error: a status, and a line that says why."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """A body and what is said of it.

    kind     media type
    body     bytes, or the file that holds them
    tag      names the content; parts are sent, and what the client has is not sent again, only where there is one
    cache    of REVALIDATE, FOREVER and NOTHING
    headers  further ones
    """

    kind: str
    body: bytes | Path
    tag: str = ""
    cache: str = REVALIDATE
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


def tag_of(content: bytes) -> str:
    """Return a tag for content: the beginning of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def knows(header: str, tag: str) -> bool:
    """Return whether an If-None-Match header has a tag."""
    return f'"{tag}"' in re.split(r",\s*(?:W/)?", header.removeprefix("W/"))


def json_answer(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """Return a JSON value in a line."""
    return Answer("application/json", json.dumps(value).encode() + b"\n", cache=NOTHING, status=status)


def refusal(status: HTTPStatus, message: str) -> Answer:
    """Return an error in a line."""
    return json_answer({"error": message}, status)
