"""Layers → latents."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from trellic.codec.coding import Arrays, Coding, Pass, empty_variables, scalar
from trellic.codec.decoder import Seen, unseen
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.layers import Digits, LayerCoding, Nested, Over, planes_of
from trellic.codec.positions import Floats
from trellic.container.header import HIGHEST_QUALITY
from trellic.container.layers import Layering
from trellic.entropy.choices import ChoiceDecoder, Choices, CutDecoder
from trellic.entropy.states import CdfIndices, Indices, States
from trellic.model import Sessions
from trellic.model.schedule import Code
from trellic.quantize import QuantizerParameters


def decode_layers(
    sessions: Sessions,
    coarse: Sessions,
    layering: Layering,
    payloads: Sequence[bytes],
    height: int,
    width: int,
    quality: int,
    deployed: DeployedQuantizer,
    step: int,
    see: Seen = unseen,
    cut: bytes | None = None,
) -> dict[str, Floats]:
    """Return the variables of a tile's first layers by name, and show what each pass decodes to `see`.

    coarse         networks of coarse planes
    payloads       of the layers, at least one
    height, width  in pixels, multiples of the model's stride
    quality        0 to 25600; step in 1/1024
    cut            the front of the layer after them, which is decoded as far as it goes
    Raises DamagedStream or UnsupportedStream.
    """
    model, fraction = sessions.model, quality / HIGHEST_QUALITY
    coder = ChoiceDecoder(payloads[0])

    def code_rounded(at: Pass, states: States, parameters: QuantizerParameters) -> tuple[Indices, CdfIndices, int]:
        indices = coder.pull(at.parameters.scale_indices, parameters.tables)
        see(indices)
        return indices, at.parameters.scale_indices, at.state

    def code(step: Code, digits: Digits, latents: Nested) -> tuple[Indices, Choices, bool]:
        begun, choices = coder.pull(digits.scale_indices, digits.tables), np.empty(0, np.uint8)
        if len(begun) == len(digits.scale_indices):
            choices = coder.pull_choices(digits.boundaries)
        see(begun)
        see(choices.astype(np.int32))
        return begun, choices, len(choices) == len(digits.boundaries) and len(begun) == len(digits.begun)

    values = Arrays(quality=scalar(fraction), **empty_variables(model, height, width))
    coding = Coding(model, deployed, deployed.for_step(step), fraction, values, code_rounded)
    layers = LayerCoding(coding, planes_of(layering, step), code)

    def decode(number: int) -> None:
        for sweep in layering.sweeps_of(number):
            layers.walk(sweep, (coarse if layering.is_coarse(sweep) else sessions).run)

    for number, payload in enumerate(payloads):
        coder = ChoiceDecoder(payload)
        decode(number)
        coder.finish()
    if cut is not None:
        coder = CutDecoder(cut)
        with suppress(Over):
            decode(len(payloads))
    return layers.decoded
