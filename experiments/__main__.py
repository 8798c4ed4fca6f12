"""Measure, and write down what was measured.

    python -m experiments run --quick          # about an hour: what a new model needs first
    python -m experiments run                  # everything; goes on where it was stopped
    python -m experiments run comparison costs --data ../shared/data
    python -m experiments pages                # docs/results and the README's table, from the files
    python -m experiments pages --check        # only compares
    python -m experiments figures              # docs/figures; pip install ".[figures]"

Times are measured by speed, costs, large, bulk and browser: run nothing else meanwhile.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from experiments import figures, pages

QUICK = ("rate_distortion", "quantizers", "speed")
LATER = (
    "costs",
    "limits",
    "exactness",
    "damaged",
    "hostile",
    "previews",
    "preview_times",
    "stability",
    "machine",
    "progressive",
    "recognition",
    "large",
    "bulk",
    "bulk_kills",
    "browser",
    "theory",
    "states",
    "search",
    "tune",
    "compact",
    "corrections",
    "projection",
    "restoration",
    "blocks",
    "adapters",
    "pleasing",
    "video",
    "slim",
    "designs",
    "learning",
    "mutations",
    "comparison",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="measure what is missing for the shipped model")
    known = (*QUICK, *LATER)
    run.add_argument("names", nargs="*", choices=[*known, []], metavar="NAME", help=" ".join(known))
    run.add_argument("--quick", action="store_true", help=" ".join(QUICK))
    run.add_argument("--data", type=Path, default=Path("../shared/data"))
    verbs.add_parser("figures", help="draw docs/figures")
    write = verbs.add_parser("pages", help="write docs/results and the README's table")
    write.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args()
    if options.verb == "pages":
        return pages.write(options.check)
    if options.verb == "figures":
        figures.draw()
        return 0
    names = options.names or (QUICK if options.quick else known)
    for name in names:
        import_module(f"experiments.{name}.run").run(options.data)
    return pages.write(check=False)


if __name__ == "__main__":
    sys.exit(main())
