"""What back projection saves, by set, and what it costs in time."""

from experiments.paired import bits_of, times_of
from experiments.store import lines_of


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, (setting, *lines) = lines_of("projection")
    qualities = setting["qualities"]
    return {
        **head,
        "qualities": ", ".join(map(str, qualities)),
        "bits": bits_of(qualities, lines).markdown(),
        "times": times_of(lines).markdown(),
    }
