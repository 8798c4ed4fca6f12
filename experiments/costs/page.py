"""The table of time and memory."""

from experiments.store import results_of
from trellic.evaluate.codecs import LABELS
from trellic.evaluate.report.tables import settings_table, speed_table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("costs")
    codecs = [name for name in LABELS if name in results.head.codecs]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "machine": results.head.machine,
        "table": speed_table(results.head, results.records, codecs).markdown(),
        "settings": settings_table(results.head, codecs).markdown(),
    }
