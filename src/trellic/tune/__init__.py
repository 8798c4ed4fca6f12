"""Tuning of a trained model by measuring, not by training.

`sensitivity` weighs latent channels, `calibrate` finds operating points, `fit_tables` counts indices, `fit_corrections`
lets scales follow them, `fit_previews` makes networks of small pictures.
"""

RELEASED = ("uniform", "deadzone", "rdoq", "tcq8", "tcq256")
"""Quantizers that a released model has tables for; the rest use those of the nearest one."""
