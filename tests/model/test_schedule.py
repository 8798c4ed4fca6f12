"""The order of coding: what a card may list, and what is refused before anything runs."""

import copy
from dataclasses import replace

import pytest

from trellic.model.schedule import ALL, ANCHORS, NON_ANCHORS, Code, Run, Schedule, Variable, parse_reference

SCHEDULE = Schedule(
    {"z": Variable(4, 64), "y": Variable(12, 16)},
    (Run("analysis", ("picture", "quality"), ("y",)), Run("hyper", ("y",), ("z",))),
    (
        Code("z", 0, 4, ("1",), "", "z_log_scale", tables="z"),
        Run("first", ("z", "quality"), ("mean", "log_scale")),
        Code("y", 0, 12, ANCHORS, "mean", "log_scale"),
        Run("second", ("y[0:12]",), ("mean", "log_scale")),
        Code("y", 0, 12, NON_ANCHORS, "mean", "log_scale"),
    ),
    (Run("synthesis", ("y", "quality"), ("pixels",)),),
)


def test_a_schedule_survives_json():
    assert Schedule.from_json(SCHEDULE.to_json()) == SCHEDULE
    assert SCHEDULE.stride == 64
    assert SCHEDULE.graphs == ("first", "second", "synthesis")
    assert [step.variable for step in SCHEDULE.passes] == ["z", "y", "y"]
    corrected = replace(SCHEDULE, code=(*SCHEDULE.code[:-1], replace(SCHEDULE.passes[-1], correction=(130, -60, 0))))
    assert Schedule.from_json(corrected.to_json()) == corrected
    assert ["correction" in step for step in corrected.to_json()["code"]] == [False] * 4 + [True]


def test_a_reference_names_a_variable_or_channels_of_it():
    assert parse_reference("features") == ("features", 0, None)
    assert parse_reference("y[4:12]") == ("y", 4, 12)
    for wrong in ("", "y[4:4]", "y[12:4]", "../y", "y[-1:4]", "y[0:99999]"):
        with pytest.raises(ValueError, match=r"y|no"):
            parse_reference(wrong)


def test_coding_can_end_after_any_group():
    passes = tuple(Code("y", *channels, mask, "mean", "log_scale")
                   for channels in ((0, 4), (4, 12)) for mask in (ANCHORS, NON_ANCHORS))  # fmt: skip
    grouped = replace(SCHEDULE, code=(*SCHEDULE.code[:2], *passes))
    assert grouped.groups == (passes[1], passes[3])
    assert grouped.through(0) == grouped.code[:2]
    assert grouped.through(1) == grouped.code[:4]
    assert grouped.through(2) == grouped.through(None) == grouped.code
    assert [grouped.through(groups, half=True) for groups in (1, 2)] == [grouped.code[:3], grouped.code[:5]]


def broken(path: tuple, value: object) -> dict:
    values = copy.deepcopy(SCHEDULE.to_json())
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("variables",), {}),
        (("variables", "y", "channels"), 0),
        (("variables", "y", "channels"), 10**9),
        (("variables", "y", "channels"), 1.5),
        (("variables", "y", "stride"), 48),
        (("variables", "y", "stride"), 2**20),
        (("code", 1, "reads"), ["nowhere"]),
        (("code", 2, "start"), 13),
        (("code", 2, "stop"), 13),
        (("code", 2, "mask"), []),
        (("code", 2, "mask"), ["00", "00"]),
        (("code", 2, "mask"), ["10", "0"]),
        (("code", 2, "mask"), ["1" * 99]),
        (("code", 2, "mask"), ["12"]),
        (("code", 2, "mean"), "nowhere"),
        (("code", 2, "tables"), "x"),
        (("code", 0, "tables"), "y"),
        (("code", 0, "tables"), "../z"),
        (("code", 0, "tables"), 3),
        (("code", 2, "quantizer"), "guess"),
        (("code", 2, "correction"), [1, 2]),
        (("code", 2, "correction"), [1, 2, 1.5]),
        (("code", 2, "correction"), [1, 2, 2**20]),
        (("code", 2, "correction"), 7),
        (("code", 0, "correction"), [1, 2, 3]),
        (("code", 0, "code"), "x"),
        (("code",), []),
        (("code", 2, "more"), 1),
        (("encode",), [{"code": "y"}]),
        (("decode", 0, "reads"), ["features"]),
        (("encode",), [{"run": "analysis", "reads": ["picture"], "writes": ["y"]}] * 2000),
    ],
)
def test_what_cannot_be_followed_is_refused(path, value):
    with pytest.raises(ValueError, match=r"."):
        Schedule.from_json(broken(path, value))


def test_what_is_read_later_is_live_and_nothing_else():
    first, second = Run("a", ("z",), ("features",)), Run("b", ("features", "y[0:2]"), ("mean", "scale"))
    code = [Code("z", 0, 1, ALL, "", "z_scale", tables="z"), first, second]
    code += [Code("y", 0, 2, ANCHORS, "mean", "scale"), Run("c", ("y",), ("mean", "scale"))]
    code += [Code("y", 0, 2, NON_ANCHORS, "mean", "scale")]
    schedule = Schedule({"z": Variable(1, 64), "y": Variable(2, 16)}, (), tuple(code), ())
    always = {"quality", "z", "y"}
    assert [schedule.live[step] - always for step in code[:-1]] == [
        set(), {"features"}, {"mean", "scale"}, set(), {"mean", "scale"},
    ]  # fmt: skip
    assert schedule.live[code[-1]] == always


def test_networks_that_see_latents_are_known_by_what_they_read():
    """`own` depends on latents of y where a network that sees them makes it, and no more once another one does."""
    steps = (
        SCHEDULE.code[0],
        Run("first", ("z", "quality"), ("own", "mean", "log_scale")),
        SCHEDULE.code[2],
        Run("second", ("quality", "own", "y[0:12]"), ("own", "mean", "log_scale")),
        Run("third", ("own", "z"), ("mean",)),
        Run("fourth", ("z",), ("own",)),
        Run("fifth", ("own",), ("log_scale",)),
        SCHEDULE.code[4],
    )
    assert replace(SCHEDULE, code=steps).predictors == {"second": (2,), "third": (0,)}
    parted = (*steps[:4], Run("third", ("own[0:2]", "z"), ("mean",)), *steps[5:])
    with pytest.raises(ValueError, match="third reads channels"):
        replace(SCHEDULE, code=parted).predictors  # noqa: B018


def test_every_variable_is_coded():
    values = SCHEDULE.to_json()
    values["variables"]["w"] = {"channels": 1, "stride": 16}
    with pytest.raises(ValueError, match="does not code every variable"):
        Schedule.from_json(values)
