"""A quantizer with all that it needs at one model: its tables, its step, and how hard the encoder tries."""

from typing import NamedTuple

from trellic.entropy.parameters import ONE, Parameters
from trellic.entropy.tables import Tables
from trellic.model.networks import Networks
from trellic.quantize import Indices, Latents, Quantizer


class Quantization(NamedTuple):
    """What the passes of one stream share; only the encoder reads `strength`."""

    quantizer: Quantizer
    tables: Tables
    step: int
    strength: float

    @classmethod
    def of(
        cls, networks: Networks, quantizer: Quantizer, step: int = ONE, strength: float | None = None
    ) -> "Quantization":
        """Return the quantizer as the model is set up for it; `strength` replaces the model's."""
        chosen = networks.strength(quantizer.name, quantizer.strength) if strength is None else strength
        return cls(quantizer, networks.tables_for(quantizer.name), step, chosen)

    def quantize(self, latents: Latents, parameters: Parameters) -> Indices:
        """Return the indices of a pass, int32 (n,)."""
        return self.quantizer.quantize(latents, parameters, self.tables, self.step, self.strength)

    def dequantize(self, indices: Indices, parameters: Parameters) -> Latents:
        """Return the latents of a pass, float32 (n,)."""
        return self.quantizer.dequantize(indices, parameters, self.step)
