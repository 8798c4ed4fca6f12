"""Tuning of a trained model by measuring, not by training: each a function from model to model.

`sensitivity` weighs latent channels, `calibrate` finds operating points, `fit_tables` counts indices.
"""

RELEASED = ("uniform", "deadzone", "rdoq", "tcq8", "tcq256")
"""Quantizers that a released model has tables for; the rest use those of the nearest one."""
