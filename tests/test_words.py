"""One word for one thing: names and phrases that the field has better words for do not come back.

docs/index.md has the glossary. A word here is banned as (part of) an identifier, a phrase anywhere in text.
"""

import io
import keyword
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "experiments", "examples", "docs")
FILES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(found for folder in FOLDERS for found in (ROOT / folder).rglob("*"))]
    if path.suffix in {".py", ".md", ".toml", ".html"} and path != Path(__file__)
)

NAMES = {
    "row_of": "scale_index_of", "rows_of": "scale_indices_of", "row_offset": "scale_offset", "row_scale": "scale_of",
    "ROWS": "SCALES", "SKIPPED_ROWS": "SKIPPED_SCALES", "table_row": "cdf_index", "table_rows": "cdf_indices",
    "Machine": "States", "MEMORYLESS": "ONE_STATE", "Setting": "QuantizerParameters", "no_points": "no_offsets",
    "POINTS": "OFFSETS", "EVEN": "ANCHORS", "ODD": "NON_ANCHORS", "WHOLE": "ALL",
    "places": "positions", "worth": "weights", "side_tables": "rounded_tables", "side_scales": "z_scale_indices",
    "share": "λ scale or fraction", "shares": "fractions", "held_out": "validation", "Subject": "DeployedModel",
    "Search": "QuantizerInTheLoop", "onto": "quantize", "freeze": "fold", "thaw": "unfold", "rebuild": "synthesize",
    "Trial": "a function", "Bench": "Validation", "peers": "codecs", "contestants": "codecs",
    "Quantization": "DeployedQuantizer", "_means": "_resources",
}  # fmt: skip
"""Identifiers, and what is said instead."""
PARTS = {
    "strength": "rate_weight", "judge": "validate", "judged": "validated", "census": "index statistics",
    "price": "marginal rate", "balance": "gradient ratio", "Census": "IndexStatistics", "standin": "surrogate",
}  # fmt: skip
"""Parts of identifiers between underscores."""
PHRASES = {
    r"passe[ds] over": "skipped", r"left (out|away)": "skipped, omitted", r"stand-?ins?": "surrogate",
    r"told|tells?(?!\()": "reported, says", r"side information": "z", r"held[- ]out": "validation",
    r"judge[sd]?": "validate", r"strengths?": "rate weight", r"contestants?": "codecs", r"table rows?": "cdf index",
    r"state machines?": "trellis states", r"census": "index statistics",
}  # fmt: skip
"""Phrases in prose, docstrings and messages."""

USUAL = {
    # Words in their usual English meaning, by file: where a side is a length, and so on.
    "tests/together.py": {"freeze"},
}


def identifiers(text: str) -> set[str]:
    """Return the names in Python source."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME and not keyword.iskeyword(token.string)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_old_word_is_used(path):
    text, allowed = path.read_text(), USUAL.get(str(path.relative_to(ROOT)), set())
    found = set()
    if path.suffix == ".py":
        for name in identifiers(text):
            found |= ({name} & set(NAMES) | {*name.split("_")} & set(PARTS)) - allowed
    for phrase in PHRASES:
        found |= {match[0].lower() for match in re.finditer(rf"\b({phrase})\b", text, re.IGNORECASE)} - allowed
    assert not found, {word: (NAMES | PARTS).get(word, "see PHRASES") for word in found}
