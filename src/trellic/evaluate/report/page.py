"""The report of a comparison: one page that needs no server and no network, and the same tables in Markdown.

The page is page.html, filled in, with a set_page.html for each set; charts are part of it, the pictures to look at
lie beside it.
"""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from trellic.errors import BadRequest
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.measure import Results
from trellic.evaluate.report.details import read_details
from trellic.evaluate.report.published import Published
from trellic.evaluate.report.set_page import SetReport
from trellic.evaluate.report.tables import settings_table, speed_table
from trellic.evaluate.summary import of_group
from trellic.files import write_bytes

PAGE = Path(__file__).parent / "page.html"


class Report:
    """The contents of a comparison's page.

    codecs     names, the first being the one that others are compared with
    published  curves of PSNR measured by others, by set
    Raises BadRequest where there is no picture, or nothing to compare with.
    """

    def __init__(self, results: Results, codecs: Sequence[str], published: Published) -> None:
        if not results.records or len(codecs) < 2:
            raise BadRequest("a report needs two codecs, and a picture that all of them coded")
        self.head, self.records, self.codecs = results.head, results.records, codecs
        groups = dict.fromkeys(record.group for record in self.records)
        self.sets = [
            SetReport(name, codecs, of_group(self.records, name), published.get(name, {}), self.head.starts)
            for name in groups
        ]

    def write(self, folder: Path) -> None:
        """Write index.html and report.md into a folder, next to its details."""
        for name, text in (("index.html", self.page(folder)), ("report.md", self.markdown())):
            write_bytes(folder / name, text.encode())

    def markdown(self) -> str:
        """Return the tables."""
        parts = [
            "# Codecs compared",
            f"{self._scope()}, `{self.head.command}`.",
            "BD-rate: bits at equal quality, negative being fewer. MS-SSIM in dB is −10 log₁₀(1 − MS-SSIM).",
            *(part.markdown() for part in self.sets),
            "## Time and memory",
            "One thread; medians over pictures and settings, less the start: the time of a picture of 64×64 pixels.",
            speed_table(self.head, self.records, self.codecs).markdown(),
            settings_table(self.head, self.codecs).markdown(),
        ]
        return "\n\n".join(parts) + "\n"

    def page(self, folder: Path) -> str:
        """Return the page, to lie in a folder."""
        values = {
            "first": escape(LABELS[self.codecs[0]]),
            "scope": escape(self._scope()),
            "command": escape(self.head.command),
            "sets": "".join(part.html() for part in self.sets),
            "speed_table": speed_table(self.head, self.records, self.codecs).html(),
            "details": self._details(folder),
            "settings_table": settings_table(self.head, self.codecs).html(),
        }
        return Template(PAGE.read_text(encoding="utf-8")).substitute(values)

    def _scope(self) -> str:
        """Return how many pictures were coded and where, in words."""
        count = len({(record.group, record.picture) for record in self.records})
        return f"{count} picture{'s' if count > 1 else ''} on {self.head.machine}"

    def _details(self, folder: Path) -> str:
        """Return, as JSON to stand in a script element, the pictures that can be looked at and what each codec made."""
        pictures = []
        details = [entry for entry in read_details(folder) if entry["codec"] in self.codecs]
        for content in dict.fromkeys(record.content for record in self.records):
            found = {entry["codec"]: entry for entry in details if entry["content"] == content}
            if found:
                first = next(iter(found.values()))
                coded = [{"key": "original", "label": "original", "file": first["original"], "says": "not coded"}]
                for codec in self.codecs:
                    if codec in found:
                        entry = found[codec]
                        size = f"{entry['bytes']:,} bytes".replace(",", "\u202f")
                        says = size if entry["psnr"] is None else f"{size} · {entry['psnr']:.2f} dB"
                        coded.append({"key": codec, "label": LABELS[codec], "file": entry["file"], "says": says})
                pictures.append({"image": first["picture"], "coded": coded})
        return json.dumps(pictures).replace("<", "\\u003c")
