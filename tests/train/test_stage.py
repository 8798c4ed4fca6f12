"""Stages are values: the package's rows can all be read, and wrong ones are refused."""

import pytest

from trellic.errors import BadConfig
from trellic.train import stage, terms
from trellic.train.stage import read_stages, stage_named, stages


def test_the_packages_stages_are_rows():
    named = {
        "pretrain",
        "synthesis",
        "noise",
        "entropy",
        "blocks",
        "exact",
        "decoder",
        "searched",
        "joint",
        "rounding",
        "adapt",
        "follow",
        "layers",
        "pleasing",
    }
    assert set(stages()) == named
    assert stage_named("exact").exact
    assert stage_named("joint").keep_if_better
    assert set(stage.TERMS) == {*terms.TERMS, terms.PLEASING}


@pytest.mark.parametrize(
    "row",
    [
        'trains = ["nosuch"]',
        'latents = "nosuch"',
        'quantizer = "nosuch"',
        'terms = ["nosuch"]',
        "nosuch = 1",
        "not toml",
    ],
)
def test_a_wrong_row_is_refused(tmp_path, row):
    usual = {
        "summary": '"x"',
        "trains": '["analysis"]',
        "latents": '"live"',
        "quantizer": '"noise"',
        "terms": '["rate"]',
    }
    rest = "\n".join(f"{key} = {value}" for key, value in usual.items() if not row.startswith(f"{key} "))
    (tmp_path / "stages.toml").write_text(f"[mine]\n{rest}\n{row}\n")
    with pytest.raises(BadConfig):
        read_stages(tmp_path / "stages.toml")


def test_an_unknown_stage_is_named_with_those_that_are_there():
    with pytest.raises(BadConfig, match=r"no stage .nosuch. .*joint"):
        stage_named("nosuch")
