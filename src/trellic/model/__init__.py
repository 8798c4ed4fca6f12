"""A trained model as one file, and the runtime that executes it."""

from trellic.model.file import ModelFile
from trellic.model.networks import Networks
from trellic.model.store import DEFAULT, find_model, find_model_by_hash, installed_models

__all__ = ["DEFAULT", "ModelFile", "Networks", "find_model", "find_model_by_hash", "installed_models"]
