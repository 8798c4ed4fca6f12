"""How much damage the tests notice, and what they do not."""

from experiments.mutations.run import listed, outcome_of
from experiments.store import NO_MODEL, lines_of
from trellic.evaluate.report.tables import Table


def slots() -> dict[str, str]:
    """Return the page's slots. Raises NotMeasured."""
    head, lines = lines_of("mutations", NO_MODEL)
    rows, survivors, counts, commits = [], [], [0, 0, 0], set[str]()
    for area, edits in listed().items():
        found = [(edit, line) for edit in edits if (line := outcome_of(edit, lines))]
        killed = [line for _, line in found if line["outcome"] == "killed"]
        survivors += [
            f"- {area}, `{edit['file']}`, {edit['what']}: {edit.get('survives', 'no reason is known')}."
            for edit, line in found
            if line["outcome"] != "killed"
        ]
        minutes = sum(line["seconds"] for _, line in found) / 60
        own = len(edits), len(found), len(killed)
        counts = [count + more for count, more in zip(counts, own, strict=True)]
        commits |= {line["commit"] for _, line in found}
        rows.append([area, *map(str, own), f"{minutes:.1f}"])
    edits_listed, run, killed_in_all = counts
    return {
        **head,
        "commits": ", ".join(sorted(commits)),
        "score": f"{killed_in_all} of {run}, {100 * killed_in_all / run:.1f} %",
        "listed": str(edits_listed),
        "table": Table(["area", "edits", "run", "killed", "minutes"], rows).markdown(),
        "survivors": "\n".join(survivors) or "None.",
    }
