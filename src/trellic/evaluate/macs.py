"""The cost of a model's networks: multiply-accumulates per pixel, as counted when the model was exported."""

from trellic.errors import DamagedModel
from trellic.model import Model


def count(model: Model) -> dict[str, float]:
    """Return MAC per pixel by network, and the sums `decoder` and `encoder`.

    The counts are those that `trellic export` took from the networks and wrote to the card. Raises DamagedModel.
    """
    schedule = model.schedule
    encoder = {*schedule.entropy_graphs, *(step.graph for step in schedule.encode)}
    try:
        table = {str(name): float(value) for name, value in model.card["macs_per_pixel"].items()}
        sums = {
            "decoder": sum(table[name] for name in schedule.graphs),
            "encoder": sum(table[name] for name in encoder),
        }
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise DamagedModel(f"model {model.name}: its card does not count every network") from error
    return {**table, **sums}
