"""Loss of a split, and correctness of each of its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from runner.analysis.metrics.predictions import Predictions
from runner.images.sources import Resident, Source, Splits
from runner.training.augmentation import normalise
from runner.training.batches import batches, helpers
from runner.training.crops import View
from runner.training.loaders import ALONE, Loaders
from runner.training.step import autocast
from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.training.saved import Card

BATCH = 256  # images: large enough to keep a core or a GPU busy, small enough for any memory
LOADED = 32  # images that a loader process loads at a time, so that all loaders share few batches
SMALL_IMAGE = 16 * 16  # pixels of an image up to which a CPU processes a whole batch at once
PART = (
    64  # larger images at a time, at least: they stay in the CPU's cache and need a step's memory
)


@dataclass(frozen=True)
class Evaluation:
    """Cross-entropy (hard targets, nats) and correctness over a split."""

    loss: float
    correct: Tensor  # bool (N,), in the order of the split
    predictions: Predictions | None = None  # if requested

    @property
    def accuracy(self) -> float:
        """Per cent."""
        return 100 * self.correct.float().mean().item()


@torch.no_grad()
def evaluate(
    model: nn.Module,
    source: Source,
    splits: Splits,
    recipe: Recipe,
    device: torch.device,
    loaders: Loaders = ALONE,
    keep: bool = False,
) -> Evaluation:
    """Evaluate `model` on `source`, without augmentation and in evaluation mode.

    keep: whether to keep the predictions too.
    """
    total, correct = torch.zeros((), dtype=torch.float64, device=device), []
    kept = []
    for logits, labels in outputs(model, source, splits, recipe, device, loaders):
        total += F.cross_entropy(logits, labels, reduction="sum").double()
        correct.append(logits.argmax(1) == labels)
        if keep:
            kept.append(predicted(logits, labels))
    loss, right = total.item() / len(source), torch.cat(correct).cpu()  # waits for the device
    if not keep:
        return Evaluation(loss, right)
    truth, chosen, rank, log_truth, log_chosen = (
        torch.cat(parts).cpu().numpy() for parts in zip(*kept, strict=True)
    )
    said = Predictions(truth, chosen, rank, log_truth, log_chosen, splits.classes)
    return Evaluation(loss, right, said)


def predicted(logits: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    """The arrays of `Predictions`, (B,) each, from logits (B, K) float32 and labels (B,)."""
    logs = F.log_softmax(logits, 1)
    chosen, truth = logits.argmax(1), labels.unsqueeze(1)
    own = logits.gather(1, truth)
    earlier = torch.arange(logits.shape[1], device=logits.device) < truth
    ahead = ((logits > own) | ((logits == own) & earlier)).sum(1)
    rank = torch.where(chosen == labels, 0, ahead.clamp(min=1))
    log_truth, log_chosen = (logs.gather(1, x).squeeze(1) for x in (truth, chosen.unsqueeze(1)))
    return labels, chosen, rank, log_truth, log_chosen


@torch.no_grad()
def outputs(
    model: nn.Module,
    source: Source,
    splits: Splits,
    recipe: Recipe,
    device: torch.device,
    loaders: Loaders = ALONE,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (B, K) float32 and labels (B,) of the batches of `source`, in order.

    A recipe's `predict` (test-time augmentation) gives log-probabilities instead of logits.
    """
    predict: Any = recipe.predict
    model.eval()
    for images, labels in seen(source, recipe, device, loaders):
        found = []
        with autocast(recipe, device):
            for x in _parts(as_input(images, splits, recipe), device):
                found.append(model(x) if predict is None else predict.predict(model, x))
        yield torch.cat(found).float(), labels


def _parts(x: Tensor, device: torch.device) -> tuple[Tensor, ...]:
    """Parts of a batch (B, C, H, W) that a network processes at once.

    No part is small, since kernels for a few images may sum in another order.
    """
    if device.type != "cpu" or x.shape[-2] * x.shape[-1] <= SMALL_IMAGE or len(x) < 2 * PART:
        return (x,)
    count = len(x) // PART
    return x.split([PART] * (count - 1) + [len(x) - PART * (count - 1)])


def seen(
    source: Source, recipe: Recipe, device: torch.device, loaders: Loaders = ALONE
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images of `source` (B, C, H, W) uint8, cropped for evaluation, and labels (B,)."""
    size = LOADED if helpers(source, device, loaders) else BATCH
    order = [range(i, min(i + size, len(source))) for i in range(0, len(source), size)]
    view = View(_side(source, recipe), recipe.crop, margin=recipe.margin)
    loaded = batches(source, order, view, device, loaders=loaders)
    while parts := tuple(islice(loaded, BATCH // size)):
        images, labels = zip(*parts, strict=True)
        yield (torch.cat(images), torch.cat(labels)) if len(parts) > 1 else parts[0]


def _side(source: Source, recipe: Recipe) -> int:
    """Pixels per side of evaluated images; 0: as stored."""
    if recipe.eval_scale == 1:
        return recipe.resolution
    stored = source.images.shape[-1] if isinstance(source, Resident) else 0
    return max(1, round((recipe.resolution or stored) * recipe.eval_scale))


def as_input(images: Tensor, splits: Splits, recipe: Recipe) -> Tensor:
    """Normalised float images in the recipe's memory layout, prepared as its `inputs` say."""
    for item in recipe.inputs:
        images = item.prepared(images)  # type: ignore[attr-defined]
    x = normalise(images, *statistics(splits, recipe))
    return x.contiguous(memory_format=torch.channels_last) if recipe.channels_last else x


def statistics(
    images: Splits | Card, recipe: Recipe
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel for normalisation, of pixels in [0, 1].

    images: of a task, or the statistics of a saved model.
    """
    own: Any = recipe.normalisation
    return (images.mean, images.std) if own is None else own.of(images.channels)
