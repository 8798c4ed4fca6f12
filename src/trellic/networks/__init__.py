"""Torch definitions of everything that is trained: transforms, prior, gains. Needs the `train` extra."""
