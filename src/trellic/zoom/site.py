"""Which request is answered by what: the viewer, its facts, and tiles, made as they are asked for."""

import re
from http import HTTPStatus
from pathlib import Path

from trellic.serve.answers import Answer, Refused, knows, tag_of
from trellic.serve.pages import POLICY, TYPES
from trellic.serve.site import Request
from trellic.serve.turns import Turns
from trellic.zoom.kinds import MEDIA_TYPES
from trellic.zoom.pyramid import page_files
from trellic.zoom.source import TileSource

AT_ONCE, SECONDS = 2, 120.0
"""Tiles that are worked on at a time, and the time that one may wait."""
_TILE = re.compile(r"/(\d{1,2})/(\d{1,6})/(\d{1,6})\.(\w{1,5})", re.ASCII)


class TileSite:
    """Answers requests for one stream. A client keeps tiles by the `name` of the stream."""

    def __init__(self, source: TileSource, name: str) -> None:
        self.source, self.name = source, name
        self.turns = Turns(AT_ONCE, SECONDS)
        headers = {"Content-Security-Policy": POLICY}
        files = page_files(source.levels, source.suffix)
        types = TYPES | {".json": "application/json"}
        self.pages = {
            f"/{name}": Answer(types[Path(name).suffix], body, tag_of(body), headers=headers)
            for name, body in files.items()
        }
        self.pages["/"] = self.pages["/index.html"]

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request. Raises Refused or a TrellicError."""
        path = request.target.partition("?")[0]
        if request.method == "POST":
            raise Refused(HTTPStatus.NOT_FOUND, "nothing is coded here")
        if path in self.pages:
            return self.pages[path]
        match = _TILE.fullmatch(path)
        place = tuple(int(number) for number in match.groups()[:3]) if match else (0, 0, -1)
        if not match or match[4] != self.source.suffix or not self.source.levels.has(*place):
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such tile")
        tag = tag_of(f"{self.name} {place}".encode())
        if knows(request.known, tag):
            return Answer(MEDIA_TYPES[self.source.suffix], b"", tag)
        with self.turns.take():
            return Answer(MEDIA_TYPES[self.source.suffix], self.source.tile(*place), tag)
