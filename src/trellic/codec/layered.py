"""The sections of a picture in layers: the coarsest layer of all tiles, then the next, and so on."""

from collections.abc import Sequence
from dataclasses import replace

from trellic.codec.layer_encoder import CodedSweeps
from trellic.codec.layer_targets import LayerTargets
from trellic.container import Section, SectionType
from trellic.container.layers import Layering

CodedParts = tuple[list[Section], CodedSweeps | None]
"""A tile's sections, and the sweeps of its latents."""


def sections_in_layers(
    targets: LayerTargets, layering: Layering, parts: Sequence[CodedParts], front: int, pixels: int
) -> list[Section]:
    """Return the sections of tiles, and before them the one that says how their layers are made.

    layering  of the sweeps, each a layer
    front     bytes of what stands before them
    pixels    of the picture
    """
    coded = [sweeps for _, sweeps in parts if sweeps]
    if not coded:
        return [section for sections, _ in parts for section in sections]
    front += sum(len(section.payload) for sections, _ in parts for section in sections)
    bits = [sum(each) for each in zip(*(sweeps.bits for sweeps in coded), strict=True)]
    layering = replace(layering, joined=targets.join(bits, front, len(coded), pixels))
    layers = [[Section(SectionType.LAYER, data) for data in sweeps.join(layering.joined)] for sweeps in coded]
    first = iter(layers)
    tiles = [section for sections, sweeps in parts for section in (*sections, *(next(first)[:1] if sweeps else []))]
    later = [tile[number] for number in range(1, layering.layers) for tile in layers]
    return [Section(SectionType.LAYERS, layering.write()), *tiles, *later]
