"""A trained model as one file, as a typed value, and the runtime that executes it."""

from trellic.model.model import Model
from trellic.model.session import Sessions
from trellic.model.store import DEFAULT, facts_of_model, find_model, find_model_by_hash, installed_models

__all__ = ["DEFAULT", "Model", "Sessions", "facts_of_model", "find_model", "find_model_by_hash", "installed_models"]
