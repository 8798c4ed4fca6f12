"""Documentation points at what exists: links, files, names, packages; and records of decisions are complete."""

import hashlib
import re
from pathlib import Path

import pytest

import trellic

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "trellic"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
MENTION = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|md))(?:: (\w+))?`")
MEASURED = re.compile(r"[−+]?\d+(?:\.\d+)?(?= ?(?:%|dB|ms)(?!\w))")
DECIMAL = re.compile(r"(?<![\w.])[−+]?\d+\.\d+(?![\w.])")
PAGES_BY_HAND = {page.resolve() for page in PAGES if page.parent != DOCS / "results"}
MADE_ELSEWHERE = {"page.md", "page.py", "run.py"}
"""Files that each experiment has."""


def of_pages(*folders: str) -> list[Path]:
    return [page for page in PAGES if not {*folders} & set(page.parts)]


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading as GitHub and mkdocs make it, for plain words."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target or not target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, f"{target}#{anchor}"


@pytest.mark.parametrize("page", of_pages("results", "CHANGELOG.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_names_that_a_page_mentions_exist(page):
    for name, symbol in MENTION.findall(page.read_text()):
        if name in MADE_ELSEWHERE or "NAME" in name or "MODEL" in name:
            continue
        roots = (SOURCE, ROOT, ROOT / "src", ROOT / "tests", page.parent, *SOURCE.iterdir())
        found = [root / name for root in roots if (root / name).is_file()]
        assert found, name
        if symbol:
            pattern = rf"^\s*(?:def|class) {symbol}\b|^{symbol}\b"
            assert any(re.search(pattern, path.read_text(), re.MULTILINE) for path in found), f"{name}: {symbol}"


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_a_decision_says_context_decision_consequences_and_alternatives(record):
    text = record.read_text()
    headings = set(re.findall(r"^## (.*)$", text, re.MULTILINE))
    assert {"Context", "Decision", "Consequences"} <= headings
    assert headings & {"Alternatives", "Alternatives measured"}
    title = re.match(r"# (\d+)\. (.+)", text)
    assert title
    assert int(title[1]) == int(record.stem[:4])
    assert f"| {title[1]} | [{title[2]}]({record.name}) |" in (DOCS / "decisions" / "index.md").read_text()


def test_the_site_has_every_page_and_the_reference_every_package():
    site = (ROOT / "mkdocs.yml").read_text()
    missing = [page for page in DOCS.rglob("*.md") if f"{page.relative_to(DOCS).as_posix()}\n" not in site]
    assert missing == []
    reference = "".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")} - {"cli"}
    assert {name for name in packages if f"::: trellic.{name}\n" not in reference} == set()


def test_the_citation_is_of_this_version():
    assert f"\nversion: {trellic.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_changelog_names_the_shipped_model():
    (path,) = (SOURCE / "models").glob("*.trm")
    name = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert f"`{name}`" in (ROOT / "CHANGELOG.md").read_text(), f"a model that ships is an entry: {name}"


def test_columns_of_a_docstring_become_a_list():
    pytest.importorskip("griffe")
    import runpy

    to_markdown = runpy.run_path(str(DOCS / "extensions" / "columns.py"))["to_markdown"]
    text = "Return it.\n\nlatents  float32 (n,)\nstep, rate_weight  of the\n    quantizer\nRaises BadRequest."
    assert to_markdown(text).splitlines() == [
        "Return it.", "", "", "- `latents`: float32 (n,)", "- `step`, `rate_weight`: of the quantizer", "",
        "Raises BadRequest.",
    ]  # fmt: skip


@pytest.mark.parametrize("page", of_pages("results", "CHANGELOG.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_measured_figure_stands_on_a_page_that_its_section_links_or_in_a_file_that_it_names(page):
    text = re.sub(r"```.*?```|<!-- compared -->.*?<!-- /compared -->", "", page.read_text(), flags=re.DOTALL)
    for section in re.split(r"^#+ ", text, flags=re.MULTILINE):
        links = [(page.parent / target).resolve() for target, _ in LINK.findall(section) if target.endswith(".md")]
        files = [root / name for name, _ in MENTION.findall(section) for root in (SOURCE, ROOT)]
        sources = "".join(path.read_text() for path in [*links, *files] if path.is_file() and path not in PAGES_BY_HAND)
        plain = re.sub(r"`[^`]*`", "", section)
        for figure in [*MEASURED.findall(plain), *(DECIMAL.findall(plain) if page in DECISIONS else [])]:
            assert re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.])", sources), f"{figure}: from where?"
