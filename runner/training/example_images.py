"""A few training images as a recipe augments them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from runner.images.sources import Files, Resident, Source, Splits
from runner.records import examples
from runner.records.spec import RunSpec
from runner.training import augmentation as aug
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.saved import class_names
from tricks.bag import parse
from tricks.errors import BadInput
from tricks.recipe import Recipe
from tricks.trick import Trick, compose

CPU = torch.device("cpu")
COUNT = 6
TINY = 64  # pixels per side up to which images are shown as stored
SHOWN_SIDE = 96  # pixels per side of other images
# Recipe fields that change what an image looks like in training.
FIELDS = frozenset({"crop", "crop_scale", "flip", "flip_share", "transforms", "inputs", "mixers"})


def keep(spec: RunSpec, splits: Splits, folder: Path) -> None:
    """Keep examples of the augmentations of `spec` in the store `folder`, unless it has them.

    Does nothing for images that cannot be drawn, or on a full disk: a training is worth more than
    its pictures.
    """
    try:
        wanted = [trick for trick in map(_augmentation, spec.tricks) if trick is not None]
        lacking = [t for t in wanted if not examples.path(folder, spec.data, str(t)).exists()]
        original = examples.path(folder, spec.data, "").exists()
        if not lacking and original:
            return
        source = few(splits)
        names = class_names(splits)
        if not original:
            plain, _ = batch(source, View(_side(Recipe(), source), "none"), 0)
            examples.save(folder, spec.data, "", np.stack(arrays(plain)), names)
        for trick in lacking:
            recipe = compose(Recipe(), [trick])
            images, _ = augmented(recipe, source, _side(recipe, source), 0, len(names))
            examples.save(folder, spec.data, str(trick), np.stack(arrays(images)), ())
    except (BadInput, OSError, ValueError, RuntimeError):
        return


def _augmentation(text: str) -> Trick | None:
    """The trick, if it changes images; None for others and for values of fields."""
    try:
        trick = parse(text)
    except BadInput:
        return None
    edits = trick.edits()
    return None if FIELDS.isdisjoint((*edits.sets, *edits.adds)) else trick


def few(splits: Splits) -> Source:
    """A few training images, of different classes as far as possible."""
    chosen: Source = splits.train.subset(one_each(splits.train.labels.tolist()))
    return as_stored(chosen) if isinstance(chosen, Files) else chosen


def one_each(labels: Sequence[int], count: int = COUNT) -> list[int]:
    """Places of the first image of each class, then of others, `count` in all."""
    first = {label: place for place, label in reversed(list(enumerate(labels)))}
    chosen = sorted(first.values())
    rest = [place for place in range(len(labels)) if place not in set(chosen[:count])]
    return sorted([*chosen, *rest][:count])


def as_stored(source: Files) -> Source:
    """Tiny images of one size as a tensor; other images stay files."""
    images = [source.read(i) for i in range(len(source))]
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) == 1 and max(images[0].shape[1:]) <= TINY:
        return Resident(torch.stack(images), source.labels)
    return source


def batch(
    source: Source, view: View, epoch: int, index: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Images uint8 (B, C, H, W) and labels (B,) of `source` at `index`; None: all images."""
    places = list(range(len(source)) if index is None else index)
    return next(batches(source, [places], view, CPU, epoch))


def augmented(
    recipe: Recipe, source: Source, side: int, epoch: int, classes: int, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """The images of `source`, augmented by `recipe` in `epoch`, uint8 (B, C, H, W).

    With mixers also the targets (B, classes). side: pixels; 0: as stored.
    """
    view = View(
        side,
        recipe.crop,
        seed,
        recipe.crop_scale,
        margin=recipe.margin,
        whole=aug.whole(recipe),
    )
    images, labels = batch(source, view, epoch)
    images = aug.augment(images, recipe, seed, epoch, 0, list(range(len(source))))
    for item in recipe.inputs:
        images = item.prepared(images)  # type: ignore[attr-defined]
    if not recipe.mixers:
        return images, None
    soft = aug.targets(labels, classes, 0.0)
    floats, soft = aug.mix(images / 255, soft, recipe, seed, epoch, 0)
    return (floats * 255).round().clamp(0, 255).to(torch.uint8), soft


def arrays(images: Tensor) -> list[np.ndarray]:
    """uint8 (B, C, H, W) -> (H, W, 3) each. Raises BadInput for images that cannot be drawn."""
    if images.shape[1] not in (1, 3):
        raise BadInput(
            f"images of {images.shape[1]} channels cannot be drawn: use images of 1 or 3 channels"
        )
    return [image.expand(3, -1, -1).permute(1, 2, 0).numpy() for image in images]


def _side(recipe: Recipe, source: Source) -> int:
    return recipe.resolution or (0 if isinstance(source, Resident) else SHOWN_SIDE)
