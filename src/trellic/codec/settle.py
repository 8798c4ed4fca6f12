"""Coding a picture again so that it stays: the error of a whole generation is measured, and taken off.

What the analysis of a decoded picture gives is the latents that were decoded, and an error that depends on them. Coded
once, nearly all latents are the former ones. So the error that these make, once they are synthesized and analysed, is
nearly the error of the picture at hand: without it, latents lie nearer to their former levels.
"""

from dataclasses import replace

from trellic.codec.analysis import Analysed, analysed_again
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.encoder import Coded, encode_latents
from trellic.model import Sessions
from trellic.quantize.lattice import FIXED, were_coded

LATENTS = "y"


def settled(sessions: Sessions, analysed: Analysed, coded: Coded, deployed: DeployedQuantizer) -> Coded:
    """Return a tile coded nearer to how it was coded before, or as it is where it was not, or levels are not fixed."""
    latents = analysed.targets[LATENTS]
    if deployed.quantizer.levels is not FIXED or not were_coded(latents, deployed.step_at(analysed.quality)):
        return coded
    error = analysed_again(sessions, coded.decoded, analysed.quality) - coded.decoded[LATENTS]
    nearer = replace(analysed, targets={**analysed.targets, LATENTS: latents - error})
    return encode_latents(sessions, nearer, deployed)
