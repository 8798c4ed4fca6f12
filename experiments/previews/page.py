"""Tables of previews and groups."""

from collections.abc import Sequence
from statistics import mean

from experiments.previews.run import QUALITIES
from experiments.store import TEST, Line, lines_of
from trellic.evaluate.report.tables import Table
from trellic.model.previews import SCALES


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("previews")
    rising = sum(all(a < b for a, b in zip(line["groups"], line["groups"][1:], strict=False)) for line in lines)
    return {
        **head,
        "previews": _previews(lines).markdown(),
        "groups": _groups(lines).markdown(),
        "read": _read(lines).markdown(),
        "prefixes": f"{max(line['prefixes'] for line in lines)}",
        "rising": f"{rising} of {len(lines)}",
    }


def _mean(lines: Sequence[Line], of: str, quality: int) -> list[Line]:
    return [line for line in lines if line["set"] == of and line["quality"] == quality]


def _previews(lines: Sequence[Line]) -> Table:
    """Return mean PSNR by set, quality and scale."""
    rows = []
    for name in TEST:
        for quality in QUALITIES:
            found = [line["previews"] for line in _mean(lines, name, quality)]
            rows.append([f"{name}, quality {quality}", *(f"{mean(one[str(s)] for one in found):.2f}" for s in SCALES)])
    return Table(["mean PSNR (dB)", *(f"1/{scale}" for scale in SCALES)], rows)


def _read(lines: Sequence[Line]) -> Table:
    """Return the part of a file that is read for each preview, by set and quality: the mean over pictures."""
    rows = []
    for name in TEST:
        for quality in QUALITIES:
            found = _mean(lines, name, quality)
            parts = [mean(line["read"][groups - 1] / line["bytes"] for line in found) for groups in SCALES.values()]
            taken = mean(line["prefixes"] / line["bytes"] for line in found)
            rows.append([f"{name}, quality {quality}", *(f"{part:.0%}" for part in parts), f"{taken:.2%}"])
    return Table(["of the file", *(f"1/{scale}" for scale in SCALES), "prefixes take"], rows)


def _groups(lines: Sequence[Line]) -> Table:
    """Return mean PSNR by set, quality and number of groups."""
    count = len(lines[0]["groups"])
    rows = []
    for name in TEST:
        for quality in QUALITIES:
            found = [line["groups"] for line in _mean(lines, name, quality)]
            rows.append([f"{name}, quality {quality}", *(f"{mean(column):.2f}" for column in zip(*found, strict=True))])
    return Table(["mean PSNR (dB)", *(f"{groups} group{'s' * (groups != 1)}" for groups in range(count))], rows)
