"""A picture in strips → a folder of tiles at every zoom, in memory that grows with the picture's width alone.

Each level is cut into tiles as its rows come, and halved for the level below, by means of four pixels.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from trellic.codec.view import averaged
from trellic.errors import BadRequest, FileExists
from trellic.files import whole_folder
from trellic.picture.types import Picture, Pixels, Strips
from trellic.zoom.kinds import kind_named, tile_bytes
from trellic.zoom.levels import TILE, Levels

PAGE = Path(__file__).parent / "page"
FACTS = "tiles.json"
OF_SYSTEMS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What file managers leave in folders."""
SLOT = "{{facts}}"
Put = Callable[[int, int, int, Pixels], None]
"""Takes level, column, row and samples of a tile."""


class LevelWriter:
    """Cuts the rows of a level into tiles, and gives the level below rows of half the size."""

    def __init__(self, level: int, put: Put) -> None:
        self.level, self.put = level, put
        self.below = LevelWriter(level - 1, put) if level else None
        self.row = 0
        self.waiting: list[Pixels] = []

    def add(self, samples: Pixels) -> None:
        """Take further rows, uint8 (h, W, C)."""
        rows = np.concatenate([*self.waiting, samples])
        whole = len(rows) // TILE * TILE
        for top in range(0, whole, TILE):
            self._cut(rows[top : top + TILE])
        self.waiting = [rows[whole:].copy()]

    def end(self) -> None:
        """Take what is left for the last row of tiles, in the levels below too."""
        for rows in self.waiting:
            if len(rows):
                self._cut(rows)
        if self.below:
            self.below.end()

    def _cut(self, rows: Pixels) -> None:
        for left in range(0, rows.shape[1], TILE):
            self.put(self.level, left // TILE, self.row, rows[:, left : left + TILE])
        self.row += 1
        if self.below:
            self.below.add(averaged(rows, 2))


def write_pyramid(strips: Strips, folder: Path, suffix: str, replace: bool) -> int:
    """Write a picture's tiles, folder/z/x/y.suffix, a page that shows them, and its facts; return how many tiles.

    The folder is whole or not there. Raises FileExists where it exists and may not be replaced, or BadRequest where it
    holds anything beside levels of tiles and their page.
    """
    kind_named(suffix)
    levels, count = Levels(strips.width, strips.height), 0

    with whole_folder(folder, partial(_check_free, replace=replace)) as made:

        def put(level: int, column: int, row: int, samples: Pixels) -> None:
            nonlocal count
            alpha = samples[:, :, 3] if strips.has_alpha else None
            picture = Picture(samples[:, :, :3], strips.grey, alpha, strips.metadata)
            path = made / str(level) / str(column) / f"{row}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tile_bytes(picture, suffix))
            count += 1

        writer = LevelWriter(levels.last, put)
        for pixels, alpha in strips.strips():
            writer.add(pixels if alpha is None else np.dstack([pixels, alpha]))
        writer.end()
        for name, body in page_files(levels, suffix).items():
            (made / name).write_bytes(body)
    return count


def page_files(levels: Levels, suffix: str) -> dict[str, bytes]:
    """Return the viewer and its facts by the names of their files."""
    facts = json.dumps(levels.facts(suffix))
    paths = [path for path in sorted(PAGE.iterdir()) if path.suffix in {".html", ".js", ".css"}]
    files = {path.name: path.read_text(encoding="utf-8") for path in paths}
    return {name: text.replace(SLOT, facts).encode() for name, text in {**files, FACTS: facts + "\n"}.items()}


def _check_free(folder: Path, replace: bool) -> None:
    if not folder.exists():
        return
    if not replace:
        raise FileExists(f"{folder} exists (--force overwrites)")
    if not (folder / FACTS).is_file():
        raise BadRequest(f"{folder} holds no tiles: it is not replaced")
    levels = map(str, range(_levels_of(folder / FACTS)))
    own = {FACTS, *OF_SYSTEMS, *(path.name for path in PAGE.iterdir()), *levels}
    others = [each.name for each in folder.iterdir() if each.name not in own]
    if others:
        raise BadRequest(f"{folder} holds {others[0]} beside tiles: it is not replaced")


def _levels_of(facts: Path) -> int:
    """Return how many levels a folder has by its facts, 0 where they are none of ours."""
    try:
        return int(json.loads(facts.read_bytes())["levels"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
