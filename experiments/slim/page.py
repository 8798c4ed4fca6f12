"""What slim models cost and save on one game's frames."""

from collections.abc import Sequence

from experiments.adapters.page import cost_change
from experiments.slim.run import EVERY, KINDS, STEPS
from experiments.store import lines_of
from trellic.evaluate.measure import Record
from trellic.evaluate.report.tables import Table, percent
from trellic.evaluate.summary import PSNR, by_setting, pictures_of, saving

WIDE, SLIM, GENERAL, ADAPTED = "wide", *(f"slim, {kind}" for kind in KINDS), "wide, adapter"

NO_ADAPTER = "The wide model has no adapter beside it: `trellic adapt` found none that is better on validation frames."


def slots() -> dict[str, str]:
    """Return the page's slots."""
    head, lines = lines_of("slim")
    costs = {line["model"]: line for line in lines if "model" in line}
    records = [Record(**line) for line in lines if "model" not in line]
    wide, slim = costs[WIDE], costs[SLIM]
    return {
        **{key: head[key] for key in ("command", "commit", "machine", "model")},
        "pictures": str(len(pictures_of(records))),
        "every": str(EVERY),
        "steps": str(STEPS),
        "costs": Table(
            ["model", "bytes", "decoder, kMAC a pixel", "synthesis, kMAC a pixel", "decode, ms", "synthesis, ms"],
            [
                [
                    name,
                    str(one["bytes"]),
                    f"{one['decoder_kmacs']:.2f}",
                    f"{one['synthesis_kmacs']:.2f}",
                    f"{one['decode_ms']:.0f}",
                    f"{one['synthesis_ms']:.0f}",
                ]
                for name, one in costs.items()
            ],
        ).markdown(),
        "macs": f"{slim['decoder_kmacs'] / wide['decoder_kmacs']:.3f}",
        "decode": f"{wide['decode_ms'] / slim['decode_ms']:.1f}",
        "synthesis": f"{wide['synthesis_ms'] / slim['synthesis_ms']:.1f}",
        "saved": Table(
            ["model", "bits against the wide model", "rate + λ · distortion"],
            [[name, *_against(records, name, WIDE)] for name in (SLIM, GENERAL, ADAPTED) if by_setting(records, name)],
        ).markdown(),
        "adapter": "" if by_setting(records, ADAPTED) else NO_ADAPTER,
        "general": " and ".join(_against(records, SLIM, GENERAL)),
    }


def _against(records: Sequence[Record], name: str, other: str) -> list[str]:
    """Return the BD-rate, mean over pictures, and the change of the mean log cost."""
    return [percent(saving(records, name, other, PSNR).mean, 1), percent(100 * cost_change(records, other, name), 1)]
