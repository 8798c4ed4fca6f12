"""The report of a comparison: one page that needs no server and no network, and the same tables in Markdown.

The page is report.html, filled in, with a report_set.html for each set; charts are part of it, the pictures to look at
lie beside it.
"""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from trellic.errors import BadRequest
from trellic.evaluate.compare import Results
from trellic.evaluate.report_set import SetReport
from trellic.evaluate.summary import Points
from trellic.evaluate.tables import LABELS, settings_table, speed_table
from trellic.files import write_atomically

PAGE = Path(__file__).parent / "report.html"
Published = dict[str, dict[str, Points]]


def read_published(path: Path) -> Published:
    """Return curves of (bits a pixel, PSNR) by set and by name, from a file of {set: {name: {"bpp_psnr": …}}}.

    Raises BadRequest where it is none.
    """
    try:
        return {
            group: {name: [(float(x), float(y)) for x, y in curve["bpp_psnr"]] for name, curve in curves.items()}
            for group, curves in json.loads(path.read_text()).items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRequest(f"{path} holds no published curves") from error


class Report:
    """What is to be shown of a comparison.

    codecs     names, the first being the one that others are compared with
    published  curves of PSNR measured by others, by set
    Raises BadRequest where there is no picture, or nothing to compare with.
    """

    def __init__(self, results: Results, codecs: Sequence[str], published: Published) -> None:
        if not results.sets or len(codecs) < 2:
            raise BadRequest("a report needs two codecs, and a picture that all of them coded")
        self.results, self.codecs = results, codecs
        self.images = list(dict.fromkeys(image for images in results.sets.values() for image in images))
        self.records = results.records_of(self.images)
        self.sets = [
            SetReport(name, codecs, images, results.records_of(images), published.get(name, {}))
            for name, images in results.sets.items()
        ]

    def write(self, folder: Path, command: str) -> None:
        """Write index.html and report.md into a folder."""
        for name, text in (("index.html", self.page(command)), ("report.md", self.markdown(command))):
            write_atomically(folder / name, lambda file, text=text: file.write(text.encode()))  # type: ignore[misc]

    def markdown(self, command: str) -> str:
        """Return the tables."""
        parts = [
            "# Codecs compared",
            f"{self._scope()}, `{command}`.",
            "BD-rate: bits at equal quality, negative being fewer. MS-SSIM in dB is −10 log₁₀(1 − MS-SSIM).",
            *(part.markdown() for part in self.sets),
            "## Time and memory",
            "One thread; medians over pictures and settings.",
            speed_table(self.results, self.records, self.codecs).markdown(),
            settings_table(self.results, self.codecs).markdown(),
        ]
        return "\n\n".join(parts) + "\n"

    def page(self, command: str) -> str:
        """Return the page."""
        values = {
            "first": escape(LABELS[self.codecs[0]]),
            "scope": escape(self._scope()),
            "command": escape(command),
            "sets": "".join(part.html() for part in self.sets),
            "speed_table": speed_table(self.results, self.records, self.codecs).html(),
            "details": self._details(),
            "settings_table": settings_table(self.results, self.codecs).html(),
        }
        return Template(PAGE.read_text()).substitute(values)

    def _scope(self) -> str:
        """Return how many pictures were coded and where, in words."""
        pictures = "1 picture" if len(self.images) == 1 else f"{len(self.images)} pictures"
        return f"{pictures} on {self.results.machine}"

    def _details(self) -> str:
        """Return, as JSON to stand in a script element, the pictures that can be looked at and what each codec made."""
        pictures = []
        for image in self.images:
            found = [entry for codec in self.codecs for entry in self.results.of("details", codec=codec, image=image)]
            if found:
                coded = [{"key": "original", "label": "original", "file": found[0]["original"], "says": "not coded"}]
                for entry in found:
                    figures = [f"{entry['bytes']:,} bytes".replace(",", "\u202f")]
                    figures += [f"{entry['psnr']:.2f} dB"] if entry["psnr"] is not None else []
                    figures += [f"SSIMULACRA2 {entry['ssimulacra2']:.1f}"] if entry["ssimulacra2"] is not None else []
                    label = LABELS[entry["codec"]]
                    says = " · ".join(figures)
                    coded.append({"key": entry["codec"], "label": label, "file": entry["file"], "says": says})
                pictures.append({"image": image, "coded": coded})
        return json.dumps(pictures).replace("<", "\\u003c")
