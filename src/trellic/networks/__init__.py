"""Torch definitions of everything that is trained: transforms, priors, exact layers, surrogates. Needs `train`."""
