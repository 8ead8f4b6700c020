"""A run whose models are kept."""

import torch

from runner.records.spec import RunSpec
from runner.training import saved
from tests.bag import outcome


def kept(recipe, splits, folder, best=False):
    """A run whose models are kept: its spec and its outcome."""
    spec = RunSpec({"task": "digits", "files": "f", "train_images": 32}, recipe, 3)
    keeper = saved.Keeper(folder, spec, splits, best)
    return spec, outcome(recipe, splits, 3, torch.device("cpu"), keeper=keeper)
