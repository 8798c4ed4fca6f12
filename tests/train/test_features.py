"""Where a training of features keeps what it has done."""

from machines import MODEL
from trellic.quantize import quantizer_for
from trellic.train.features import Plan, folder_of


def test_views_of_other_pictures_or_plans_are_not_taken(tmp_path):
    picture, other = tmp_path / "a.png", tmp_path / "b.png"
    picture.write_bytes(b"a")
    other.write_bytes(b"b")
    plan = Plan({1: 100, 2: 100}, 10)

    def folder(plan: Plan, *paths):
        return folder_of(tmp_path, MODEL, quantizer_for(7), paths, plan)

    assert folder(plan, picture) == folder(plan._replace(steps=20), picture)
    others = folder(plan, other), folder(plan._replace(views={1: 200, 2: 100}), picture), folder(plan, picture, other)
    assert len({folder(plan, picture), *others}) == 4
