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
    "Machine": "States", "MEMORYLESS": "ONE_STATE", "strength": "rate_weight",
    "strengths": "rate_weights", "Setting": "QuantizerParameters", "no_points": "no_offsets", "POINTS": "OFFSETS",
    "EVEN": "ANCHORS", "ODD": "NON_ANCHORS", "WHOLE": "ALL", "places": "positions", "worth": "weights",
    "share": "quality, λ scale or fraction", "shares": "fractions", "judge": "validate",
    "judged": "validated", "held_out": "validation", "Subject": "DeployedModel", "Search": "QuantizerInTheLoop",
    "onto": "quantize", "freeze": "fold", "thaw": "unfold", "rebuild": "synthesize", "Census": "IndexStatistics",
    "Trial": "a function", "Bench": "Validation", "peers": "codecs", "peer": "codec", "contestants": "codecs",
    "Quantization": "DeployedQuantizer", "_means": "_resources", "price": "marginal rate", "balance": "gradient ratio",
}  # fmt: skip
"""Identifiers, and parts of them between underscores, with what is said instead."""

PHRASES = {
    r"passe?[ds]? over": "skipped", r"left (out|away)": "skipped, omitted", r"stand-?ins?": "surrogate",
    r"told|tells?": "reported, says, given", r"side information": "z, hyper-latents", r"held[- ]out": "validation",
    r"judge[sd]?": "validate", r"strengths?": "rate weight", r"contestants?": "codecs", r"table rows?": "cdf index",
    r"state machine": "trellis states", r"census": "index statistics",
}  # fmt: skip
"""Phrases in prose, docstrings and messages."""

USUAL = {
    # Words in their usual English meaning, by file: where a side is a length, and so on.
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
            found |= {name, *name.split("_")} & set(NAMES) - allowed
    for phrase in PHRASES:
        found |= {match[0].lower() for match in re.finditer(rf"\b({phrase})\b", text, re.IGNORECASE)} - allowed
    assert not found, {word: NAMES.get(word, "see PHRASES") for word in found}
