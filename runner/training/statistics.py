"""Batch norm's statistics for weights that took no step themselves: averages, slow weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from runner.training.feed import Epoch
from runner.training.step import autocast

# A few thousand images are enough for the statistics (Wu and Johnson 2021, arXiv:2105.07576).
IMAGES = 10_000


def reestimate(network: nn.Module, trained: nn.Module, epoch: Epoch) -> None:
    """Estimate the statistics of the norms of `network` on images of `epoch`.

    As torch.optim.swa_utils.update_bn, on at most IMAGES images: each batch has equal weight, and
    is augmented and mixed as in training. trained: the network with the same structure that takes
    the steps; norms that are frozen there keep their statistics.
    """
    names = {name for name, module in trained.named_modules() if module.training}
    norms: list[Any] = [
        module
        for name, module in network.named_modules()
        if name in names and hasattr(module, "momentum") and _statistics(module)
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for name, module in network.named_modules():
        module.training = name in names
    recipe, device = epoch.feed.recipe, epoch.feed.device
    end = min(epoch.feed.per_epoch, math.ceil(IMAGES / epoch.feed.batch))
    # Layers with random numbers (dropout) must not change the stream.
    for norm in norms:
        if hasattr(norm, "parts_taken"):  # ghost batch norm counts batches itself
            norm.parts_taken = 0
    with torch.no_grad(), torch.random.fork_rng(devices=[]), autocast(recipe, device):
        for step, batch in enumerate(epoch.decoded(end=end)):
            for norm in norms:
                norm.momentum = 1 / (step + 1)
            network(epoch.inputs(*batch, step)[0])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        if hasattr(norm, "parts_taken"):
            norm.parts_taken = None
    network.eval()


def _statistics(module: nn.Module) -> bool:
    """Whether `module` has running statistics of batches (EvoNorm-B0: only of the variance)."""
    return getattr(module, "running_var", None) is not None
