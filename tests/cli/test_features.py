"""The verbs for machines, one after another, as a user would: encode, features, search, train-head, classify."""

import json

import numpy as np
import pytest
from PIL import Image

from command import run_trellic
from machines import install, random_networks, textures

GOLDEN = ("--model", "golden")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Streams of two kinds, one of them cut off and one no stream; pictures of both in folders of classes."""
    root = tmp_path_factory.mktemp("machine")
    install(root / "models", random_networks())
    for name, kind in (("smooth", 0), ("rough", 3)):
        (root / "in" / name).mkdir(parents=True)
        for seed in range(6):
            Image.fromarray(textures(192, kind, seed)).save(root / "in" / name / f"{seed}.png")
    done = run_trellic(
        "encode", "in", "-o", "out", "--quantizer", "tcq8", *GOLDEN, cwd=root, TRELLIC_MODELS=str(root / "models")
    )
    assert done.returncode == 0
    (root / "out" / "broken.tlic").write_bytes(b"no stream")
    (root / "in" / "rough" / "broken.png").write_bytes(b"no picture")
    return root


def run(place, *arguments):
    result = run_trellic(*arguments, cwd=place, TRELLIC_MODELS=str(place / "models"))
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def test_features_go_into_a_table_past_bad_files_and_are_searched(place):
    code, _, errors = run(place, "features", "out", "-o", "table.npz", *GOLDEN)
    assert (code, errors.splitlines()[0].startswith("out/broken.tlic: ")) == (1, True)
    with np.load(place / "table.npz") as table:
        assert (len(table["names"]), table["vectors"].shape) == (12, (12, 512))
    code, _, errors = run(place, "features", "out", "-o", "table.npz", *GOLDEN)
    assert (code, len(errors.splitlines())) == (1, 1)
    code, found, _ = run(place, "search", "table.npz", "--like", "out/rough/3.tlic", "--top", 6, "--json")
    best = json.loads(found)
    assert (code, best[0]["source"], round(best[0]["likeness"], 3)) == (0, "out/rough/3.tlic", 1.0)
    assert {one["source"].split("/")[1] for one in best} == {"rough"}
    code, lines, errors = run(place, "search", "out", "--like", "out/rough/3.tlic", "--top", 6)
    assert (code, len(errors.splitlines())) == (1, 2)
    assert [line.split()[1] for line in lines.splitlines()] == [one["source"] for one in best]
    np.savez(place / "other.npz", weights=np.zeros(3))
    code, lines, errors = run(place, "search", "*.npz", "--like", "out/rough/3.tlic", "--top", 6)
    assert (code, [line.split(":")[0] for line in errors.splitlines()]) == (1, ["other.npz", "1 of 2 failed"])
    assert [line.split()[1] for line in lines.splitlines()] == [one["source"] for one in best]


def test_a_head_is_trained_and_classifies_and_hostile_ones_are_refused(place):
    code, card, errors = run(place, "train-head", "in", "-o", "x.trh", *GOLDEN, "--validation", 0.3, "--json")
    assert (code, json.loads(card)["classes"]) == (0, ["rough", "smooth"])
    assert errors.startswith("in/rough/broken.png: skipped")
    code, found, errors = run(place, "classify", "out", "--head", "x.trh", "--json")
    records = json.loads(found)
    classes = {one["source"]: one["class"] for one in records if "class" in one}
    assert (code, len(classes), "out/broken.tlic" in errors) == (1, 12, True)
    assert sum(source.split("/")[1] == name for source, name in classes.items()) == 12
    (place / "bad.trh").write_bytes(b"PK")
    code, found, errors = run(place, "classify", "out", "--head", "bad.trh")
    assert (code, found, len(errors.splitlines())) == (1, "", 1)
