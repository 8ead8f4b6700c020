"""Images as a recipe's training or prediction sees them, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from runner.images.sources import Files, Resident, Source
from runner.reporting.plots.pictures import Row
from runner.training import augmentation as aug
from runner.training.batches import batches
from runner.training.crops import View
from tricks.errors import BadInput
from tricks.recipe import Recipe

COLUMNS = 6
EPOCHS = 3  # of which the same images are shown
VIEWS = 9  # of test-time augmentation, at most
SIDE = 224  # pixels at which images of files are shown
TINY = 64  # pixels a side up to which images are shown as stored
CPU = torch.device("cpu")


def one_each(labels: Sequence[int], count: int = COLUMNS) -> list[int]:
    """Places of the first image of each class, then of others, `count` in all."""
    first = {label: place for place, label in reversed(list(enumerate(labels)))}
    chosen = sorted(first.values())
    rest = [place for place in range(len(labels)) if place not in set(chosen[:count])]
    return sorted([*chosen, *rest][:count])


def spread(count: int, most: int = COLUMNS) -> list[int]:
    """At most `most` places, evenly over `count`."""
    few = min(count, most)
    return [i * count // few for i in range(few)]


def as_stored(source: Files) -> Source:
    """Tiny images of one size as they are; others stay files."""
    images = [source.read(i) for i in range(len(source))]
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) == 1 and max(images[0].shape[1:]) <= TINY:
        return Resident(torch.stack(images), source.labels)
    return source


def before_after(recipe: Recipe, source: Source, names: Sequence[str], seed: int = 0) -> list[Row]:
    """The images of `source`, then what the recipe makes of them in each of a few epochs.

    names: of the classes of its labels; empty where these mean nothing.
    """
    side = recipe.resolution or (0 if isinstance(source, Resident) else SIDE)
    index = list(range(len(source)))
    plain, labels = _batch(source, index, View(side, "none", margin=recipe.margin), 0)
    rows = [Row("original", _arrays(plain), [names[i] for i in labels] if names else [])]
    if recipe.resizing is not None:
        return rows + [_smaller(recipe, plain, progress) for progress in (0.0, 0.25, 0.5, 0.75)]
    classes = max(2, len(names))
    for epoch in range(EPOCHS):
        view = View(
            side,
            recipe.crop,
            seed,
            recipe.crop_scale,
            margin=recipe.margin,
            whole=aug.whole(recipe),
        )
        images, _ = _batch(source, index, view, epoch)
        images = aug.augment(images, recipe, seed, epoch, 0, index)
        for item in recipe.inputs:
            images = item.prepared(images)  # type: ignore[attr-defined]
        captions = []
        if recipe.mixers:
            soft = aug.targets(labels, classes, 0.0)
            floats, soft = aug.mix(images / 255, soft, recipe, seed, epoch, 0)
            images = (floats * 255).round().clamp(0, 255).to(torch.uint8)
            captions = [_shares(row, names) for row in soft] if names else []
        what = "batch" if recipe.mixers else "epoch"
        rows.append(Row(f"{what} {epoch + 1}", _arrays(images), captions))
    return rows


def views(recipe: Recipe, source: Source) -> list[Row]:
    """For each of a few images, what the recipe's test-time augmentation shows to the network."""
    predict: Any = recipe.predict
    side = recipe.resolution or (0 if isinstance(source, Resident) else SIDE)
    few = spread(len(source), 3)
    images, _ = _batch(source, few, View(side, "none", margin=recipe.margin), 0)
    seen = _Seen()
    predict.predict(seen, images / 255)
    shown = [_arrays((x * 255).round().clamp(0, 255).to(torch.uint8)) for x in seen.views[:VIEWS]]
    captions = [f"view {i + 1} of {len(seen.views)}" for i in range(len(shown))]
    return [Row(f"image {i + 1}", [view[i] for view in shown], captions) for i in range(len(few))]


class _Seen(nn.Module):
    """A network that keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.views.append(x)
        return x.new_zeros(len(x), 2)


def _batch(source: Source, index: list[int], view: View, epoch: int) -> tuple[Tensor, Tensor]:
    return next(batches(source, [index], view, CPU, epoch))


def _smaller(recipe: Recipe, images: Tensor, progress: float) -> Row:
    small = aug.resize(images / 255, recipe, progress)
    arrays = _arrays((small * 255).round().clamp(0, 255).to(torch.uint8))
    return Row(f"at {progress:.0%}", arrays, [f"{small.shape[-1]} pixels"] * len(arrays))


def _shares(target: Tensor, names: Sequence[str]) -> str:
    top = target.topk(2)
    pairs = zip(top.values.tolist(), top.indices.tolist(), strict=True)
    return " + ".join(f"{value:.2f} × {names[i]}" for value, i in pairs if value > 0.005)


def _arrays(images: Tensor) -> list[np.ndarray]:
    """uint8 (B, C, H, W) -> (H, W, 3) each."""
    if images.shape[1] not in (1, 3):
        raise BadInput(f"images of {images.shape[1]} channels cannot be drawn: 1 or 3 can")
    return [image.expand(3, -1, -1).permute(1, 2, 0).numpy() for image in images]
