"""The bag of tricks: each file in the folders here is one trick."""

from tricks.bag import find, parse, registry
from tricks.errors import BadInput, TrickConflict
from tricks.loading import load_plugin
from tricks.recipe import Recipe, resolve
from tricks.trick import Edits, Trick, compose

__all__ = [
    "BadInput", "Edits", "Recipe", "Trick", "TrickConflict",
    "compose", "find", "load_plugin", "parse", "registry", "resolve",
]  # fmt: skip
