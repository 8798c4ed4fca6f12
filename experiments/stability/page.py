"""The table of generations."""

from collections.abc import Sequence

from experiments.stability.run import GENERATIONS, HEIGHT, QUALITY, QUANTIZERS, WIDTH
from experiments.store import TEST, lines_of
from trellic.evaluate.report.tables import Table
from trellic.evaluate.stability import Chain, chains_table


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("stability")
    chains = [Chain.read(line) for line in lines]
    held = [chain for chain in chains if chain.codec == f"trellic {QUANTIZERS[0]}"]
    tables = [f"### {name}\n\n{_table(chains, name).markdown()}" for name in TEST]
    return {
        **{key: head[key] for key in ("command", "commit", "machine", "model")},
        "tables": "\n\n".join(tables),
        "quality": str(QUALITY),
        "generations": str(GENERATIONS),
        "size": f"{WIDTH}×{HEIGHT}",
        "pictures": str(len(held)),
    }


def _table(chains: Sequence[Chain], group: str) -> Table:
    """Return the table of a set, a codec a row, those of trellic first."""
    own = [chain for chain in chains if chain.group == group]
    return chains_table(sorted(own, key=lambda chain: not chain.codec.startswith("trellic")))
