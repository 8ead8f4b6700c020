"""Predicted probabilities for images, averaged over saved models."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as F

from runner.images.sources import Files, Resident, Source, Splits
from runner.text import size
from runner.training.evaluation import BATCH, outputs
from runner.training.loaders import Loaders
from runner.training.saved import Card
from tricks.errors import BadInput

FLOAT = 4  # bytes of a pixel as the network's input


def log_probabilities(
    models: Sequence[tuple[nn.Module, Card]],
    source: Source,
    device: torch.device,
    loaders: int = 0,
) -> Tensor:
    """(N, K) float32 on the CPU: the log of the models' mean probability of each class.

    Classes are in the order of the first model's names. Raises BadInput for models with different
    classes.
    """
    first = models[0][1]
    found = []
    for model, card in models:
        if set(card.names) != set(first.names):
            raise BadInput(
                f"run {card.run} has other classes than {first.run}, so they cannot be averaged: "
                "name only runs with the same classes"
            )
        check_memory(len(source), card)
        images = as_trained(source, card)
        splits = splits_of(images, card)
        model = model.to(device)
        with Loaders(loaders, splits) as held:
            batches = outputs(model, images.to(device), splits, card.recipe, device, held)
            logs = torch.cat([torch.log_softmax(logits, 1).cpu() for logits, _ in batches])
        found.append(logs[:, [card.names.index(name) for name in first.names]])
    if len(found) == 1:
        return found[0]
    return torch.stack(found).logsumexp(0) - math.log(len(found))


def check_memory(count: int, card: Card) -> None:
    """Raises BadInput if one batch of the images does not fit into this machine's memory."""
    recipe, stored = card.recipe, card.size or (0, 0)
    side = max(recipe.resolution, *stored) * max(recipe.eval_scale, 1) / recipe.margin
    batch = min(count, BATCH) * side * side * (1 + FLOAT)  # as stored, and as the network's input
    needed = card.channels * (count * stored[0] * stored[1] + batch)
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > here:
        raise BadInput(
            f"run {card.run} sees images of {side:,.0f} pixels a side: {count:,} of them take "
            f"{size(needed)}, but this machine has {size(here)} of memory"
        )


def as_trained(source: Source, card: Card) -> Source:
    """`source` with the model's channels and, for stored images, the model's image size.

    For a model that was trained on files, `batches` cuts the images as in training.
    """
    if card.size is None:
        if isinstance(source, Resident):
            return Resident(_channels(source.images, card.channels), source.labels)
        return source.stored(card.recipe.stored_side)
    if isinstance(source, Resident):
        images = _fitted(source.images, card)
    else:
        images = torch.stack([_fitted(source.read(i), card) for i in range(len(source))])
    return Resident(images, source.labels)


def _fitted(images: Tensor, card: Card) -> Tensor:
    """uint8 (..., C, H, W) with the model's channels and size, without cropping."""
    assert card.size is not None
    images = _channels(images, card.channels)
    if tuple(images.shape[-2:]) != card.size:
        images = F.resize(images, list(card.size), antialias=True)
    return images


def _channels(images: Tensor, channels: int) -> Tensor:
    held = images.shape[-3]
    if held == channels:
        return images
    if {held, channels} != {1, 3}:
        raise BadInput(
            f"a model of {channels} channels cannot take images of {held} channels: "
            "convert the images"
        )
    if channels == 3:
        return F.grayscale_to_rgb(images)
    red, green, blue = images.split(1, -3)
    # The weights of the colours add up to slightly less than 1, so grey is copied instead.
    return torch.where((red == green) & (green == blue), red, F.rgb_to_grayscale(images))


def splits_of(source: Source, card: Card) -> Splits:
    """The images with the model's normalisation."""
    return Splits(
        source, source, source, source, card.classes, card.channels, card.mean, card.std, card.names
    )


def few(source: Source) -> bool:
    """Whether loader processes would take longer to start than they save."""
    return not isinstance(source, Files) or len(source) < 64
