"""Batches of images: read, cut to one size, each with draws of its own; by loader processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from runner.execution.signs import alive
from runner.images.sources import Cached, Catalogue, Files, Resident, Source
from runner.training.crops import View, centred, drawn, fitted, whole_or_centred
from runner.training.shared_memory import ahead

PATIENCE = 300  # seconds for a batch, after which loader processes are taken to hang
Batch = tuple[Tensor, Tensor]  # uint8 (B, C, H, W), int64 (B,)
Act = Callable[..., Tensor]  # (images, step=, index=) -> images


def helpers(source: Source, device: torch.device, loaders: int) -> int:
    """How many of `loaders` processes load `source`: none what lies ready on a CPU, one less than
    there are cores for what only has to be cut.
    """
    if isinstance(source, Resident):
        return 0
    if isinstance(source, Cached) and source.whole and device.type == "cpu":
        return max(0, loaders - 1)
    return loaders


def by_loaders(source: Source, device: torch.device, loaders: int) -> bool:
    """Whether loader processes can augment what they load.

    Draws come from the seed, the epoch and the step, so it is the same wherever it is done.
    """
    return helpers(source, device, loaders) > 0


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

    `loaders` processes load files ahead of need; what they give does not depend on how many.
    act: what they do to each batch besides, given its step and its indices; see `by_loaders`.
    """
    size = len(order[0]) if order else 0
    if isinstance(source, Resident):
        for step, index in enumerate(order[first:], first):
            chosen = torch.as_tensor(index).to(source.labels.device, non_blocking=True)
            images = source.images[chosen]
            if view.randomly:
                places = _places(view, epoch, index, step * size)
                draws = zip(images, places, strict=True)
                images = torch.stack([drawn(x, view, place, stored=True) for x, place in draws])
            alive()
            yield _evaluated(images, view), source.labels[chosen]
        return
    parts = _Batches(source, order, view, epoch, act)
    side = view.resolution
    count, far = ahead(size * 3 * side * side, helpers(source, device, loaders))
    if not count and device.type == "cpu":
        for step in range(first, len(order)):
            alive()
            yield parts[step]
        return
    loader = torch.utils.data.DataLoader(
        parts,
        batch_size=None,
        sampler=range(first, len(order)),
        num_workers=count,
        # A run's own process was started by a server; its children would each import torch anew.
        multiprocessing_context="fork" if count and sys.platform == "linux" else None,
        pin_memory=device.type == "cuda",
        prefetch_factor=far if count else None,
        timeout=PATIENCE if count else 0,
        generator=torch.Generator(),  # the loader draws a seed, which nothing here uses
    )
    for images, labels in loader:
        alive()
        yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _places(view: View, epoch: int, index: Sequence[int], before: int) -> list[tuple[int, ...]]:
    """What the draws for each image of a batch, after `before` others, come from.

    That is the epoch, the image and, from the second on, the number of its copy.
    """
    copies = ((int(i), place % view.repeats) for place, i in enumerate(index, start=before))
    return [(epoch, i, copy) if copy else (epoch, i) for i, copy in copies]


def _evaluated(images: Tensor, view: View) -> Tensor:
    """Stored images (B, C, H, W) at the view's size, but for what has been drawn."""
    if view.crop == "random" and view.seed is None:
        return centred(images, view.resolution or images.shape[-1], view.margin)
    return fitted(images, view.resolution)


class _Batches(torch.utils.data.Dataset[Batch]):
    """Step -> its batch: decoded images as uint8 tensors of one size."""

    def __init__(
        self,
        files: Files | Catalogue | Cached,
        order: Sequence[Sequence[int]],
        view: View,
        epoch: int,
        act: Act | None,
    ) -> None:
        self.files, self.order, self.view, self.epoch, self.act = files, order, view, epoch, act

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> Batch:
        index = self.order[step]
        images = self._drawn(index, step) if self.view.randomly else self._centred(index)
        if self.act is not None:
            images = self.act(images, step=step, index=index)
        return images, self.files.labels[torch.as_tensor(index)]

    def _drawn(self, index: Sequence[int], step: int) -> Tensor:
        places = _places(self.view, self.epoch, index, step * len(self.order[0]))
        read = self.files.read
        return torch.stack([
            drawn(read(int(i)), self.view, place, stored=False)
            for i, place in zip(index, places, strict=True)
        ])  # fmt: skip

    def _centred(self, index: Sequence[int]) -> Tensor:
        if isinstance(self.files, Cached):
            together = self.files.together(index)
            if together is not None:
                return whole_or_centred(together, self.view).contiguous()
        return torch.stack([whole_or_centred(self.files.read(int(i)), self.view) for i in index])
