"""Training: data, one generic loop, optimizer, export. Needs the `train` extra."""
