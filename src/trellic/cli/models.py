"""trellic models: which models are installed, what they compute here, and more from anywhere."""

import json
import sys
from typing import Annotated, Any

import typer

from trellic.cli.options import Json

Probe = Annotated[
    bool, typer.Option("--probe", help="Run each model's exactness probe here; exit code 1 where one fails.")
]
Hash = Annotated[str, typer.Option("--hash", metavar="SHA256", help="Of the file, unless that is its name.")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def models(context: typer.Context, probe: Probe = False, as_json: Json = False) -> None:
    """List the installed models with their cards, and adapters with the models that they are of."""
    if context.invoked_subcommand:
        return
    from trellic.errors import DamagedAdapter, DamagedModel
    from trellic.model import Model, Sessions, installed_models
    from trellic.model.adapter import Adapter
    from trellic.model.adapter_store import SUFFIX
    from trellic.model.probe import failures
    from trellic.model.store import installed

    records: list[dict[str, Any]] = []
    sound = True
    for path in installed_models():
        try:
            model = Model.read(path)
            found = {"exact": model.is_exact, "failures": failures(Sessions(model))} if probe else {}
        except DamagedModel as error:
            print(error, file=sys.stderr)
            sound = False
            continue
        records.append({"name": path.stem, "hash": model.name, "path": str(path), "card": model.card, **found})
    adapters: list[dict[str, Any]] = []
    for path in installed(SUFFIX):
        try:
            one = Adapter.read(path)
        except DamagedAdapter as error:
            print(error, file=sys.stderr)
            sound = False
            continue
        adapters.append({"name": path.stem, "hash": one.name, "path": str(path), "adapts": one.base[:8].hex()})
    if as_json:
        print(json.dumps([*records, *adapters], indent=1))
    else:
        for record in [*records, *adapters]:
            print(f"{record['name']:12} {record['hash']}  {_text(record)}")
    proven = sound and not any(record["failures"] for record in records if record.get("exact"))
    raise typer.Exit(probe and not proven)


def _text(record: dict[str, Any]) -> str:
    """Return what to say of a model: what its probe found, or its summary; of an adapter, its model."""
    if "adapts" in record:
        return f"adapter of {record['adapts']}"
    if "failures" not in record:
        return str(record["card"].get("summary", ""))
    if not record["exact"]:
        return "networks in floating point, without a probe"
    return f"computes otherwise here: {', '.join(record['failures'])}" if record["failures"] else "exact here"


@app.command()
def pull(
    url: Annotated[str, typer.Argument(metavar="URL", help="A path, or any URL that fsspec opens.")], sha256: Hash = ""
) -> None:
    """Fetch a model into the folder that TRELLIC_MODELS names, once its hash is proven."""
    from trellic.bulk.pull import pull_model

    print(pull_model(url, sha256))
