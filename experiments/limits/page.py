"""Screenshots, picture by picture."""

from experiments.store import results_of
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import PSNR, pictures_of, saving


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("limits")
    found = saving(results.records, "trellic", "webp-usual", PSNR)
    rows = [[picture, percent(value)] for picture, value in found.pictures.items()]
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "count": str(len(pictures_of(results.records))),
        "table": Table(["picture", "bits against WebP"], rows).markdown(),
        "screens": percent(found.mean),
    }
