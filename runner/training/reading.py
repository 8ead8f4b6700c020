"""How a pass over images in files makes its batches, in any process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.images.sources import Cached, Catalogue, Files
from runner.training.crops import View, drawn, whole_or_centred

Batch = tuple[Tensor, Tensor]  # uint8 (B, C, H, W), int64 (B,)
Act = Callable[..., Tensor]  # (images, step=, index=) -> images


@dataclass(frozen=True)
class Reading:
    """A pass over images: each is cropped by `view`, with the random numbers of its epoch.

    size: images of its first batch. act: a function applied to each batch, with its step and
    indices.
    """

    view: View
    epoch: int
    size: int
    act: Act | None

    def batch(self, source: Files | Catalogue | Cached, step: int, index: Sequence[int]) -> Batch:
        """The images `index` of `source`, as uint8 tensors of one size, and their labels."""
        if self.view.randomly:
            images = self._drawn(source, index, step)
        else:
            images = self._centred(source, index)
        if self.act is not None:
            images = self.act(images, step=step, index=index)
        return images, source.labels[torch.as_tensor(index)]

    def _drawn(self, source: Files | Catalogue | Cached, index: Sequence[int], step: int) -> Tensor:
        drawn_from = places(self.view, self.epoch, index, step * self.size)
        return torch.stack([
            drawn(source.read(int(i)), self.view, place, stored=False)
            for i, place in zip(index, drawn_from, strict=True)
        ])  # fmt: skip

    def _centred(self, source: Files | Catalogue | Cached, index: Sequence[int]) -> Tensor:
        if isinstance(source, Cached):
            together = source.together(index)
            if together is not None:
                return whole_or_centred(together, self.view).contiguous()
        return torch.stack([whole_or_centred(source.read(int(i)), self.view) for i in index])


def places(view: View, epoch: int, index: Sequence[int], before: int) -> list[tuple[int, ...]]:
    """The source of random numbers for each image of a batch, after `before` other images.

    It is the epoch, the image and, from the second copy on, the number of the copy.
    """
    copies = ((int(i), place % view.repeats) for place, i in enumerate(index, start=before))
    return [(epoch, i, copy) if copy else (epoch, i) for i, copy in copies]
