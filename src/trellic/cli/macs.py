"""trellic macs: what a model's networks cost."""

import json

from trellic.cli.options import Json, Model


def macs(model: Model = "", as_json: Json = False) -> None:
    """Count multiply-accumulates a pixel of every network of a model, from the graphs that are executed."""
    from trellic.evaluate.macs import count
    from trellic.model import ModelFile, find_model

    table = count(ModelFile.read(find_model(model) if model else find_model()))
    if as_json:
        print(json.dumps(table, indent=1))
        return
    for name, value in table.items():
        print(f"{name:16} {value / 1000:8.3f} kMAC/px")
