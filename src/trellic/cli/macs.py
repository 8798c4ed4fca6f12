"""trellic macs: the cost of a model's networks."""

import json

from trellic.cli.options import DEFAULT, Json, Model


def macs(model: Model = DEFAULT, as_json: Json = False) -> None:
    """Count multiply-accumulates per pixel of every network of a model, as counted when it was exported."""
    from trellic.evaluate.macs import count
    from trellic.model import Model as Loaded
    from trellic.model import find_model

    table = count(Loaded.read(find_model(model)))
    if as_json:
        print(json.dumps(table, indent=1))
        return
    for name, value in table.items():
        print(f"{name:16} {value / 1000:8.3f} kMAC/px")
