"""trellic models: which models are installed."""

import json
import sys
from typing import Any

from trellic.cli.options import Json


def models(as_json: Json = False) -> None:
    """List the installed models with their cards."""
    from trellic.errors import DamagedModel
    from trellic.model import Model, installed_models

    records: list[dict[str, Any]] = []
    for path in installed_models():
        try:
            model = Model.read(path)
        except DamagedModel as error:
            print(error, file=sys.stderr)
            continue
        records.append({"name": path.stem, "hash": model.name, "path": str(path), "card": model.card})
    if as_json:
        print(json.dumps(records, indent=1))
        return
    for record in records:
        print(f"{record['name']:12} {record['hash']}  {record['card'].get('summary', '')}")
