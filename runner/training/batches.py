"""Batches of images: read and cropped to one size, with random numbers per image, by loaders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from runner.execution.heartbeat import alive
from runner.images.sources import Cached, Resident, Source
from runner.training.crops import (
    View,
    box_of,
    centred,
    drawn,
    drawn_together,
    fitted,
    resized_together,
)  # fmt: skip
from runner.training.loaders import ALONE, Loaders
from runner.training.reading import Act, Batch, Reading, places
from runner.training.shared_memory import ahead


def helpers(source: Source, device: torch.device, loaders: Loaders) -> int:
    """The number of `loaders` that load `source`.

    0 for images in memory on a CPU; at most the cores less one for images that only need a crop.
    """
    if isinstance(source, Resident):
        return 0
    if isinstance(source, Cached) and source.whole and device.type == "cpu":
        return max(0, loaders.count - 1)
    return loaders.count


def batches(
    source: Source,
    order: Sequence[Sequence[int]],
    view: View,
    device: torch.device,
    epoch: int = 0,
    loaders: Loaders = ALONE,
    first: int = 0,
    act: Act | None = None,
) -> Iterator[Batch]:
    """Batches of images of `source`, uint8 on `device`, from the batch `first` on.

    loaders: load files in advance; the result does not depend on their number. act: a function that
    they apply to each batch, with its step and indices.
    """
    size = len(order[0]) if order else 0
    if isinstance(source, Resident):
        for step, index in enumerate(order[first:], first):
            chosen = torch.as_tensor(index).to(source.labels.device, non_blocking=True)
            images = source.images[chosen]
            if view.randomly:
                images = _drawn(images, view, places(view, epoch, index, step * size))
            alive()
            yield _evaluated(images, view), source.labels[chosen]
        return
    reading, pinned = Reading(view, epoch, size, act), device.type == "cuda"
    side = view.resolution
    count, far = ahead(size * 3 * side * side, helpers(source, device, loaders))
    if count:
        found = loaders.read(source, order, reading, first, count, far, pinned)
    else:
        steps = range(first, len(order))
        found = (_pinned(reading.batch(source, i, order[i]), pinned) for i in steps)
    for images, labels in found:
        alive()
        yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _drawn(images: Tensor, view: View, places: Sequence[tuple[int, ...]]) -> Tensor:
    """A crop of each stored image (B, C, H, W), drawn at its place; together where it can be.

    On a GPU small kernels add up. A change before the crop is drawn image by image.
    """
    if view.crop == "random" and not view.whole:
        return drawn_together(images, view, places)
    if images.is_cuda and view.crop == "random-resized" and not view.whole:
        height, width = images.shape[-2:]
        boxes = [box_of(view, height, width, place) for place in places]
        return resized_together(images, boxes, view.resolution or width)
    pairs = zip(images, places, strict=True)
    return torch.stack([drawn(image, view, place, stored=True) for image, place in pairs])


def _pinned(batch: Batch, wanted: bool) -> Batch:
    images, labels = batch
    return (images.pin_memory(), labels.pin_memory()) if wanted else batch


def _evaluated(images: Tensor, view: View) -> Tensor:
    """Stored images (B, C, H, W) at the view's size, without random crops."""
    if view.crop == "random" and view.seed is None:
        return centred(images, view.resolution or images.shape[-1], view.margin)
    return fitted(images, view.resolution)
