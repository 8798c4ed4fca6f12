"""Screenshots, picture by picture."""

from experiments.store import results_of
from trellic.evaluate.report.tables import NOTHING, Table, percent
from trellic.evaluate.summary import PSNR, pictures_of, saving


def slots() -> dict[str, str]:
    """Return the page's slots."""
    results = results_of("limits")
    found = saving(results.records, "trellic", "webp-usual", PSNR)
    rows = []
    for picture in pictures_of(results.records):
        own = [record for record in results.records if (record.picture, record.codec) == (picture, "trellic")]
        exact = min((record for record in own if record.psnr is None), key=lambda each: each.setting, default=None)
        lossless = (f"{exact.setting:g}", f"{exact.bytes:,}".replace(",", "\u202f")) if exact else (NOTHING, NOTHING)
        rows.append([picture, percent(found.pictures.get(picture)), *lossless])
    return {
        "model": results.head.model,
        "command": results.head.command,
        "commit": results.head.commit,
        "count": str(len(rows)),
        "table": Table(["picture", "bits against WebP", "without loss from quality", "bytes then"], rows).markdown(),
        "screens": percent(found.mean),
    }
