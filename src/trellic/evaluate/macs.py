"""What a model's networks cost: multiply-accumulates a pixel, as counted when the model was exported."""

from trellic.errors import DamagedModel
from trellic.model.file import ModelFile

DECODER = ("hyper_synthesis", "first_", "second_", "synthesis")


def count(file: ModelFile) -> dict[str, float]:
    """Return MAC a pixel by network, and the sums `decoder` and `encoder` of what each runs.

    The counts are those that `trellic export` took from the networks and wrote to the card. Raises DamagedModel.
    """
    try:
        table = {str(name): float(value) for name, value in file.card["macs_per_pixel"].items()}
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise DamagedModel(f"model {file.name}: its card holds no counts of operations") from error
    if not {"analysis", "hyper_analysis", "synthesis"} <= set(table):
        raise DamagedModel(f"model {file.name}: its card does not count every network")
    decoder = sum(value for name, value in table.items() if name.startswith(DECODER))
    entropy = decoder - table["synthesis"]
    return {**table, "decoder": decoder, "encoder": table["analysis"] + table["hyper_analysis"] + entropy}
