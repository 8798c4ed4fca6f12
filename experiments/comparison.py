"""What the docs say of the comparison with other codecs, from experiments/results/comparison.json:

    pip install ".[compare]"
    trellic compare ../shared/data/test/kodak ../shared/data/test/gb82 --json experiments/results/comparison.json \\
        --published experiments/results/published.json --report page/

Used by report.py and figures.py.
"""

import re
from pathlib import Path

from trellic.evaluate.compare import Record, Results
from trellic.evaluate.report import Report, read_published
from trellic.evaluate.summary import METRICS, Points, mean_curve, saving, seconds_per_megapixel
from trellic.evaluate.tables import LABELS, NOTHING, Table, percent

RESULTS = Path(__file__).parent / "results"
PUBLISHED = RESULTS / "published.json"
COMPARISON = RESULTS / "comparison.json"


class Comparison:
    """The comparison as it was measured: its results, the codecs, trellic being the first, and the command."""

    def __init__(self) -> None:
        self.results = Results.read(COMPARISON)
        self.codecs = [name for name in LABELS if name in self.results.codecs]

    def section(self) -> str:
        """Return the report's tables, to stand in a longer page."""
        report = Report(self.results, self.codecs, read_published(PUBLISHED))
        return re.sub(r"^#", "##", report.markdown(self.results.command), flags=re.MULTILINE).strip()

    def table(self) -> str:
        """Return bits at equal PSNR, set by set, and times of every codec."""
        records = self.results.lists["records"]
        rows = []
        for codec in self.codecs:
            means = [self._saving(self.codecs[0], codec, group) for group in self.results.sets]
            rates = [NOTHING if codec == self.codecs[0] else percent(mean) for mean in means]
            times = [f"{seconds_per_megapixel(records, codec, action):.2g}" for action in ("encode", "decode")]
            rows.append([LABELS[codec], *rates, *times])
        sets = [f"trellic's bits against it, {name}" for name in self.results.sets]
        return Table(["", *sets, "encode, s per megapixel", "decode, s per megapixel"], rows).markdown()

    def _of(self, group: str) -> list[Record]:
        """Return the records of a set's pictures."""
        return self.results.records_of(self.results.sets[group])

    def _saving(self, codec: str, against: str, group: str) -> float | None:
        """Return the per cent of bits at equal PSNR on a set, averaged over pictures."""
        return saving(self._of(group), codec, against, self.results.sets[group], METRICS[0]).mean

    def curves(self, group: str) -> dict[str, Points]:
        """Return each codec's mean (bits a pixel, PSNR in dB) on a set, by label."""
        return {LABELS[codec]: mean_curve(self._of(group), codec, METRICS[0]) for codec in self.codecs}

    def speeds(self, group: str) -> list[tuple[str, float, float]]:
        """Return each codec's label, seconds to decode a megapixel, and per cent of bits against JPEG on a set."""
        return [
            (LABELS[codec], seconds_per_megapixel(self._of(group), codec, "decode"), mean)
            for codec in self.codecs
            if (mean := self._saving(codec, "jpeg", group)) is not None
        ]
