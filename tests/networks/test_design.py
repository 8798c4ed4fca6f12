"""A design is what its values say, or an error that a configuration reports in one line."""

import pytest

from trellic.networks.design import Design, Invertible, TransformOptions

WRONG = {
    "transform_of_text": {"transform": "residual"},
    "transform_of_a_number": {"transform": 7},
    "activation_for_attention": {"transform": {"near": {"kind": "shrink"}}},
    "attention_for_an_activation": {"transform": {"activation": {"kind": "near"}}},
    "attention_of_a_number": {"transform": {"near": 7}},
    "attention_for_a_guide": {"prior": {"guide": {"kind": "attend"}}},
    "unknown_option": {"prior": {"guide": {"kind": "tutor"}}},
    "unknown_key": {"prior": {"guide": {"kind": "guide", "depth": 3}}},
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
def test_what_is_no_design_is_refused(values):
    with pytest.raises((TypeError, ValueError)):
        Design.from_json(values)


@pytest.mark.parametrize("transform", [TransformOptions(), Invertible()])
def test_a_design_survives_its_card(transform):
    assert Design.from_json(Design(transform=transform).to_json()) == Design(transform=transform)
