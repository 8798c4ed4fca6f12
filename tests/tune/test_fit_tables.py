"""Fitting tables: a model goes in, a model with tables of its quantizers comes out."""

import numpy as np
import pytest

from trellic.codec.deployed import DeployedQuantizer
from trellic.errors import NoPictures
from trellic.model import Sessions
from trellic.quantize import quantizer_named
from trellic.tune.fit_corrections import fit_corrections
from trellic.tune.fit_tables import count_indices, fit_tables


def test_a_fitted_model_has_tables_of_each_quantizer_and_of_z(model, pictures):
    chosen = [quantizer_named("uniform"), quantizer_named("tcq8")]
    fitted = fit_tables(model, pictures, chosen, {"command": "mine"})
    for quantizer in chosen:
        before, after = DeployedQuantizer.of(model, quantizer), DeployedQuantizer.of(fitted, quantizer)
        assert not np.array_equal(after.tables.frequency, before.tables.frequency)
        assert np.array_equal(after.offsets, before.offsets)
        assert fitted.quantizer_card(quantizer.name)["tables"] == {
            "command": "mine",
            "pictures": 2,
            "before": model.name,
        }
    assert not np.array_equal(fitted.rounded_tables["z"].frequency, model.rounded_tables["z"].frequency)
    assert not fitted.has_tables("rdoq")


def test_offsets_move_only_where_they_are_asked_to(model, pictures):
    tcq8 = quantizer_named("tcq8")
    moved = fit_tables(model, pictures, [tcq8], move_offsets=True)
    assert DeployedQuantizer.of(moved, tcq8).offsets.any()


def test_a_search_chooses_again_by_the_tables_of_its_first_choices(model, pictures):
    rdoq = quantizer_named("rdoq")
    corrected = fit_corrections(model, pictures, rdoq)
    deployed, sessions = DeployedQuantizer.of(corrected, rdoq), Sessions(corrected, 1)
    for _ in range(2):
        (counted,) = count_indices(sessions, pictures, [deployed])
        deployed = counted.fitted()
    fitted = fit_tables(model, pictures, [deployed.quantizer])
    assert np.array_equal(DeployedQuantizer.of(fitted, deployed.quantizer).tables.frequency, deployed.tables.frequency)


def test_tables_of_no_picture_are_refused(model):
    with pytest.raises(NoPictures):
        fit_tables(model, [], [quantizer_named("uniform")])
