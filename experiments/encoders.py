"""What encoders of earlier commits did not do yet: a page that rests on one says so, until it is measured anew."""

from experiments.store import lines_of, path_of

EARLY = "it did not restore pictures, project back, or search by default"
UNSEARCHED = "it did not search by default"
OTHER_SEARCH = "its search took other steps, for about the same bits in more time"
LACKED = {
    "982186cdf9b3": EARLY,
    "4af7a3a41afb": EARLY,
    "cff7724ed5b7": EARLY,
    "0ad1b42b4518": EARLY,
    "24f0a0f43f81": EARLY,
    "8ca7a9b9179e": EARLY,
    "a70134b4ad44": EARLY,
    "0141774e2efd": EARLY,
    "18647c74ece8": EARLY,
    "b912d6de971f": EARLY,
    "5f69f01a784a": "it did not project back or search by default",
    "679db1b643fb": UNSEARCHED,
    "7155c57259f4": "its searches of efforts 8 and 9 gained less",
    "132611eb74db": OTHER_SEARCH,
    "50165467a35e": OTHER_SEARCH,
}
"""By the commit that a results file names."""


def remark(name: str) -> str:
    """Return the sentence for an experiment's page; nothing where its encoder is as today's."""
    if not path_of(name).exists():
        return ""
    lacked = LACKED.get(lines_of(name)[0]["commit"])
    return f"Measured by an earlier encoder: {lacked}.\n\n" if lacked else ""
