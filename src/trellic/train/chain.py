"""Retraining as a chain of stages, each starting from the model that the one before made; resumable at any point."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trellic.codec.fit_tables import QUALITIES, take_census
from trellic.errors import BadConfig
from trellic.files import write_atomically
from trellic.model.file import ModelFile
from trellic.model.networks import Networks
from trellic.picture.pillow import readable
from trellic.quantize import quantizer_named
from trellic.train.config import TrainConfig
from trellic.train.data import list_pictures
from trellic.train.loop import Report
from trellic.train.processes import start_processes, wait_for_all
from trellic.train.retrain import deploy
from trellic.train.run import export_run, read_config, run_config
from trellic.train.stages import EXACT, STAGES

TABLES, OFFSETS = "tables", "points"
MOST_PICTURES = 50


def retrain(
    model: Path, stages: Sequence[str], config: Path, replaced: dict[str, Any], out: Path, cache: Path, report: Report
) -> Path:
    """Retrain a model through stages and return the last one's model file, below the folder `out`.

    stages    names of `STAGES`; "tables", which refits the quantizer's tables; and "points", which refits them and
              moves its reconstruction offsets: a stage that trains the synthesis on these should follow
    config    a TOML file of how each stage trains; `replaced` overrides values, and names the quantizer
    Each stage leaves a folder with its model; those that are there already are passed over. Under torchrun the first
    process writes them. Raises BadConfig, also where what is there was made from another model, or otherwise.
    """
    first = start_processes()
    if unknown := set(stages) - {TABLES, OFFSETS, *STAGES}:
        raise BadConfig(f"no stage {sorted(unknown)[0]!r} (there are: {TABLES}, {OFFSETS}, {', '.join(STAGES)})")
    quantizer_named(replaced["quantizer"])
    current = model
    for number, stage in enumerate(stages, 1):
        folder = out / f"{number}-{stage}"
        made = folder / "model.trm"
        start = ModelFile.read(current)
        design = {**start.card["design"], **({"exact": True} if stage == EXACT else {})}
        stated = {"stage": stage} if stage in STAGES else {}
        chosen = read_config(config, {**replaced, "start": str(current), "design": design, **stated})
        if made.exists():
            _check_same(ModelFile.read(made), start, chosen, folder)
        else:
            if first:
                report({"message": f"stage {number}: {stage}"})
            folder.mkdir(parents=True, exist_ok=True)
            if stage in STAGES:
                run_config(chosen, folder, cache, report)
            if first and stage in STAGES:
                summary = f"{start.card.get('summary', '')}; {stage} for {chosen.quantizer}".lstrip("; ")
                export_run(folder, made, summary)
            elif first:
                _refit(chosen, made, stage == OFFSETS, report)
        wait_for_all()
        current = made
    return current


def _check_same(made: ModelFile, start: ModelFile, config: TrainConfig, folder: Path) -> None:
    """Raise BadConfig unless a stage's model was made from this model by this configuration."""
    if config.stage in STAGES:
        trained = made.card["trained"]
        before, others = trained["started_from"]["model"], config.unlike(trained["config"], {"start"})
    else:
        before, others = made.quantizer_card(config.quantizer).get("tables", {}).get("before"), []
    if before != start.name or others:
        what = ", ".join(others) or f"from model {before}, not {start.name}"
        raise BadConfig(f"{folder} holds a stage that was made otherwise ({what})")


def _refit(config: TrainConfig, made: Path, move_points: bool, report: Report) -> None:
    """Write a model with the quantizer's tables, and its offsets if so wished, refitted on training pictures."""
    file = ModelFile.read(Path(config.start))
    networks = Networks(file)
    paths = list_pictures([Path(folder) for folder in config.pictures])
    paths = paths[:: -(-len(paths) // MOST_PICTURES)]
    deployed = deploy(networks, config)
    pictures = (picture for _, picture in readable(paths, lambda message: report({"message": message})))
    (census,) = take_census(networks, pictures, QUALITIES, [deployed])
    fitted, name = census.refit(), config.quantizer
    facts = {"command": "trellic retrain", "pictures": census.pictures, "before": file.name}
    arrays: dict[str, Any] = {
        f"tables_{name}.npy": fitted.tables.frequency,
        "tables_side.npy": fitted.z_tables.frequency,
    }
    if move_points:
        arrays[f"points_{name}.npy"] = census.offsets()
    data = file.pack_with({name: {"knots": fitted.operating_points, "tables": facts}}, arrays)
    write_atomically(made, lambda target: target.write(data))
