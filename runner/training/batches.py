"""Batches of images: read, cut to one size, each with draws of its own; by loader processes."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from runner.execution.signs import alive
from runner.images.sources import Catalogue, Files, Resident, Source
from runner.training.randomness import derive, generator

Batch = tuple[Tensor, Tensor]  # uint8 (B, C, H, W), int64 (B,)
Act = Callable[..., Tensor]  # (images, step=, index=) -> images


@dataclass(frozen=True)
class View:
    """How files become tensors of one size. `seed` None: centre crop, for evaluation."""

    resolution: int  # pixels a side
    crop: str  # as Recipe.crop
    seed: int | None = None
    smallest: float = 0.08  # as Recipe.crop_scale
    repeats: int = 1  # as Recipe.repeats: neighbours in the order, each with a crop of its own
    margin: float = 0.875  # as Recipe.margin
    whole: tuple[Any, ...] = ()  # those of Recipe.transforms that act before the crop

    @property
    def randomly(self) -> bool:
        """Whether each image gets its own crop, or change before it."""
        own = self.crop in ("random", "random-resized") or bool(self.whole)
        return self.seed is not None and own

    def draws(self, index: Sequence[int], before: int) -> list[tuple[int, int]]:
        """The images of a batch, after `before` others, each with the number of its copy."""
        return [(int(i), place % self.repeats) for place, i in enumerate(index, start=before)]


def by_loaders(source: Source, device: torch.device, loaders: int) -> bool:
    """Whether loader processes augment what they decode: a GPU does it better itself.

    Draws come from the seed, the epoch and the step, so it is the same wherever it is done.
    """
    return loaders > 0 and device.type == "cpu" and not isinstance(source, Resident)


def batches(
    source: Source,
    order: Sequence[Sequence[int]],
    view: View,
    device: torch.device,
    epoch: int = 0,
    loaders: int = 0,
    first: int = 0,
    act: Act | None = None,
) -> Iterator[Batch]:
    """The images of `source` in batches of indices from the `first` on, as uint8 on `device`.

    `loaders` processes decode files ahead of need; what they give does not depend on how many.
    act: what they do to each batch besides, given its step and its indices; see `by_loaders`.
    """
    size = len(order[0]) if order else 0
    if isinstance(source, Resident):
        for step, index in enumerate(order[first:], first):
            chosen = torch.as_tensor(index).to(source.labels.device, non_blocking=True)
            images = source.images[chosen]
            if view.randomly:
                draws = zip(images, view.draws(index, step * size), strict=True)
                images = torch.stack(
                    [_cut(x, view, epoch, *draw, stored=True) for x, draw in draws]
                )
            alive()
            yield _resized(images, view), source.labels[chosen]
        return
    loader = torch.utils.data.DataLoader(
        _Batches(source, order, view, epoch, act),
        batch_size=None,
        sampler=range(first, len(order)),
        num_workers=loaders,
        # A run's own process was started by a server; its children would each import torch anew.
        multiprocessing_context="fork" if loaders and sys.platform == "linux" else None,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if loaders else None,
        generator=torch.Generator(),  # the loader draws a seed, which nothing here uses
    )
    for images, labels in loader:
        alive()
        yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _cut(image: Tensor, view: View, epoch: int, index: int, copy: int, stored: bool) -> Tensor:
    """A crop of one image (C, H, W), drawn from (seed, epoch, index, copy) alone."""
    side = view.resolution or image.shape[-1]
    assert view.seed is not None
    place = (epoch, index, copy) if copy else (epoch, index)
    if view.crop == "squeeze":
        image = _fitted(image, side)
    elif view.crop != "random-resized":
        # What is stored at its size has nothing around it, unless its crop is random.
        whole = view.crop == "random" or not stored
        image = _whole(image, side, view.margin) if whole else _fitted(image, view.resolution)
    for number, transform in enumerate(view.whole):
        draws = generator(view.seed, "whole", *place, number)
        image = transform.apply(image.unsqueeze(0), draws).squeeze(0)
    if view.crop not in ("random", "random-resized"):
        return image if stored else F.center_crop(image, [side, side])
    # make_params draws from the CPU's global stream, which is put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(view.seed, "crop", *place))
        if view.crop == "random":
            return v2.RandomCrop([side, side])(image)
        box = _resized_crop(side, view.smallest).make_params([image])
    return F.resized_crop(image, *box.values(), [side, side], antialias=True)


@lru_cache(maxsize=8)
def _resized_crop(side: int, smallest: float) -> v2.RandomResizedCrop:
    return v2.RandomResizedCrop([side, side], (smallest, 1.0))


def _whole(images: Tensor, side: int, margin: float) -> Tensor:
    """Images (..., H, W) of which a crop of `side` pixels holds `margin` of the shorter side."""
    return F.resize(images, [math.ceil(side / margin)], antialias=True)


def _resized(images: Tensor, view: View) -> Tensor:
    size = view.resolution
    if view.crop == "random" and view.seed is None:
        size = size or images.shape[-1]
        return F.center_crop(_whole(images, size, view.margin), [size, size])
    return _fitted(images, size)


def _fitted(images: Tensor, size: int) -> Tensor:
    """Stored images (..., H, W), all of each, at `size` pixels a side; 0: as they are."""
    if not size or images.shape[-1] == size == images.shape[-2]:
        return images
    return F.resize(images, [size, size], antialias=True)


class _Batches(torch.utils.data.Dataset[Batch]):
    """Step -> its batch: decoded images as uint8 tensors of one size."""

    def __init__(
        self,
        files: Files | Catalogue,
        order: Sequence[Sequence[int]],
        view: View,
        epoch: int,
        act: Act | None,
    ) -> None:
        self.files, self.order, self.view, self.epoch, self.act = files, order, view, epoch, act

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> Batch:
        index, before = self.order[step], step * len(self.order[0])
        images = torch.stack([self._image(*draw) for draw in self.view.draws(index, before)])
        if self.act is not None:
            images = self.act(images, step=step, index=index)
        return images, self.files.labels[torch.as_tensor(index)]

    def _image(self, index: int, copy: int) -> Tensor:
        image, view = self.files.read(index), self.view
        if view.randomly:
            return _cut(image, view, self.epoch, index, copy, stored=False)
        if view.crop == "squeeze":
            return _fitted(image, view.resolution)
        image = _whole(image, view.resolution, view.margin)
        return F.center_crop(image, [view.resolution, view.resolution])
