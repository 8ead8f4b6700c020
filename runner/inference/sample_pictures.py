"""Pictures of images as a recipe's training or prediction processes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from runner.images.sources import Resident, Source
from runner.reporting.plots.pictures import PictureRow
from runner.training import augmentation as aug
from runner.training.crops import View
from runner.training.example_images import COUNT, arrays, augmented, batch
from tricks.recipe import Recipe

EPOCHS = 3  # epochs that are shown, with the same images
VIEWS = 9  # of test-time augmentation, at most
SIDE = 224  # pixels per side of images from files


def spread(count: int, most: int = COUNT) -> list[int]:
    """At most `most` places, spread evenly over `count`."""
    few = min(count, most)
    return [i * count // few for i in range(few)]


def before_after(recipe: Recipe, source: Source, names: Sequence[str]) -> list[PictureRow]:
    """The images of `source`, then the same images as the recipe processes them in a few epochs.

    names: of the classes; empty if labels mean nothing.
    """
    side = recipe.resolution or (0 if isinstance(source, Resident) else SIDE)
    plain, labels = batch(source, View(side, "none", margin=recipe.margin), 0)
    rows = [PictureRow("original", arrays(plain), [names[i] for i in labels] if names else [])]
    if recipe.resizing is not None:
        return rows + [_smaller(recipe, plain, progress) for progress in (0.0, 0.25, 0.5, 0.75)]
    for epoch in range(EPOCHS):
        images, soft = augmented(recipe, source, side, epoch, max(2, len(names)))
        shares = [] if soft is None or not names else [_shares(row, names) for row in soft]
        what = "batch" if recipe.mixers else "epoch"
        rows.append(PictureRow(f"{what} {epoch + 1}", arrays(images), shares))
    return rows


def views(recipe: Recipe, source: Source) -> list[PictureRow]:
    """The views of the recipe's test-time augmentation, for each of a few images."""
    predict: Any = recipe.predict
    side = recipe.resolution or (0 if isinstance(source, Resident) else SIDE)
    few = spread(len(source), 3)
    images, _ = batch(source, View(side, "none", margin=recipe.margin), 0, few)
    seen = _Seen()
    predict.predict(seen, images / 255)
    shown = [arrays((x * 255).round().clamp(0, 255).to(torch.uint8)) for x in seen.views[:VIEWS]]
    captions = [f"view {i + 1} of {len(seen.views)}" for i in range(len(shown))]
    return [
        PictureRow(f"image {i + 1}", [view[i] for view in shown], captions) for i in range(len(few))
    ]


class _Seen(nn.Module):
    """A network that keeps its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.views.append(x)
        return x.new_zeros(len(x), 2)


def _smaller(recipe: Recipe, images: Tensor, progress: float) -> PictureRow:
    small = aug.resize(images / 255, recipe, progress)
    shown = arrays((small * 255).round().clamp(0, 255).to(torch.uint8))
    return PictureRow(f"at {progress:.0%}", shown, [f"{small.shape[-1]} pixels"] * len(shown))


def _shares(target: Tensor, names: Sequence[str]) -> str:
    top = target.topk(2)
    pairs = zip(top.values.tolist(), top.indices.tolist(), strict=True)
    return " + ".join(f"{value:.2f} × {names[i]}" for value, i in pairs if value > 0.005)
