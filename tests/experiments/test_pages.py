"""Pages say what the results files say, and a page about the shipped model rests on no other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import figures, pages, store
from experiments.comparison.run import ORDER
from experiments.pages import DOCS, MISSING, NAMES, README, filled, made
from experiments.store import ROOT, NotMeasured, lines_of, path_of, shipped
from trellic.evaluate.codecs import NAMES as NAMES_OF_CODECS

RESTS_ON = {"comparison": "rate_distortion"}
"""Pages whose figures of the shipped model are in another experiment's file."""
OF_NO_MODEL = {"theory", "learning", "mutations", "history", "designs"}
OF_ITS_CARD = "released"
"""A page of the shipped model that rests on no results."""
OPENING = """
import json, sys
from experiments import pages

opened, name = [], ""

def see(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".jsonl"):
        opened.append((name, str(arguments[0])))

sys.addaudithook(see)
for name in pages.NAMES:
    try:
        pages.slots_of(name)
    except pages.NotMeasured:
        pass
print(json.dumps(opened))
"""
FILES = sorted(path for path in ROOT.glob("*/results/*.jsonl") if path.parent.parent.name != "history")


def test_pages_are_made_from_the_results():
    stale = [path.name for path, text in made().items() if path.read_text() != text]
    assert stale == [], "python -m experiments pages"
    assert {path.name for path in DOCS.iterdir()} == {path.name for path in made() if path != README}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_a_results_file_says_which_model_it_is_of(path):
    head = json.loads(path.read_text().splitlines()[0])
    assert {"command", "commit", "machine", "model"} <= set(head)
    assert head["model"] == ("" if path.stem == "others" else path.stem)


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_NO_MODEL - {OF_ITS_CARD}))
def test_a_page_is_of_the_shipped_model_or_says_that_it_is_not_measured(name):
    text = (DOCS / f"{name}.md").read_text()
    models = set(re.findall(r"\b[0-9a-f]{16}\b", text))
    assert models <= {shipped()}
    assert ("Not measured for model" in text) != path_of(RESTS_ON.get(name, name)).exists()


def test_the_page_of_the_shipped_models_card_names_it():
    text = (DOCS / f"{OF_ITS_CARD}.md").read_text()
    assert set(re.findall(r"\b[0-9a-f]{16}\b", text)) == {shipped()}


def test_pages_open_no_results_of_another_model():
    """All of them, in a process that reports which files it opens."""
    done = subprocess.run([sys.executable, "-c", OPENING], cwd=ROOT.parent, check=True, capture_output=True, text=True)
    opened = {(page, Path(file).stem) for page, file in json.loads(done.stdout)}
    assert ("speed", shipped()) in opened
    assert {stem for page, stem in opened if page not in OF_NO_MODEL} <= {shipped(), "others"}


def test_results_of_another_model_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROOT", tmp_path)
    path = path_of("speed")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"model": "0123456789abcdef"}) + "\n")
    with pytest.raises(ValueError, match="of model 0123456789abcdef"):
        lines_of("speed")


def test_what_is_not_measured_is_said_and_not_taken_from_elsewhere(monkeypatch):
    monkeypatch.setattr(store, "shipped", lambda: "0123456789abcdef")
    with pytest.raises(NotMeasured, match="experiments run speed"):
        lines_of("speed")
    pages.slots_of.cache_clear()
    assert filled("{{speed.decode}}") == MISSING
    assert pages.page("speed").endswith("`python -m experiments run speed` does it.\n")
    pages.slots_of.cache_clear()


def test_the_index_makes_ten_claims_each_with_a_page():
    text = (ROOT / "index.md").read_text()
    claims = re.split(r"^\d+\. ", text.split("\n\nMore:")[0], flags=re.MULTILINE)[1:]
    assert len(claims) == 10
    for claim in claims:
        assert len(re.findall(r"\{\{[\w.]+\}\}", claim)) == 1
        (page,) = re.findall(r"\]\((\w+\.md)\)", claim)
        assert (DOCS / page).exists()


def test_sentences_stand_in_templates_whose_slots_are_all_filled():
    for path in made():
        assert "{{" not in path.read_text()


@pytest.mark.parametrize("name", figures.OF)
def test_a_figure_shows_the_version_that_the_docs_speak_of(name):
    path = figures.path_of(name)
    shown = f"figures/{name}.svg" in "".join(
        Path(page).read_text() for page in (README, *README.parent.glob("docs/*.md"))
    )
    if shown or path.exists():
        assert f"<dc:title>{figures.OF[name]()}</dc:title>" in path.read_text(), "python -m experiments figures"


def test_the_comparison_measures_every_codec():
    assert set(ORDER) == set(NAMES_OF_CODECS) - {"trellic"}
