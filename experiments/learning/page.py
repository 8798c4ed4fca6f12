"""The table of a run's learning curve."""

from experiments.store import lines_of
from trellic.evaluate.bdrate import bd_rate
from trellic.evaluate.report.tables import Table, percent

RUN = "long"
"""The version of the results: they are of a run and of no model that ships."""
HOUR = 3600


def slots() -> dict[str, str]:
    """Return the page's slots. Raises NotMeasured."""
    head, (settings, *lines) = lines_of("learning", RUN)
    rows, first = [], _curve(lines[0]["validation"])
    for line in lines:
        found = line["validation"]
        points = zip(found["bpp"], found["psnr"], strict=True)
        rows.append(
            [
                str(line["step"]),
                f"{line['seconds'] / HOUR:.2f}",
                line.get("optimizer", "adam"),
                f"{found['cost']:.4f}",
                percent(bd_rate(first, _curve(found)).percent, 2),
                *(f"{bpp:.3f}, {psnr:.2f}" for bpp, psnr in points),
            ]
        )
    qualities = [f"quality {100 * quality:g}" for quality in settings["qualities"]]
    return {
        "command": head["command"],
        "commit": head["commit"],
        "quantizer": settings["quantizer"],
        "batch": str(settings["batch"]),
        "crop": str(settings["crop"]),
        "rate": f"{settings['learning_rate']:g}",
        "mix": ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in settings["mix"].items()),
        "table": Table(["step", "hours", "optimizer", "cost", "BD-rate", *qualities], rows).markdown(),
    }


def _curve(validation: dict[str, list[float]]) -> list[tuple[float, float]]:
    return list(zip(validation["bpp"], validation["psnr"], strict=True))
