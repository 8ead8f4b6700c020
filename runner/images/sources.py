"""Images as a run sees them: resident uint8 tensors for small ones, files for large ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from runner.images.decoding import read_image


@dataclass(frozen=True)
class Resident:
    """Small images, all of them in memory (or on the device) as one tensor."""

    images: Tensor  # uint8 (N, C, H, W)
    labels: Tensor  # int64 (N,)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Resident:
        return Resident(self.images.to(device), self.labels.to(device))

    def subset(self, index: Sequence[int]) -> Resident:
        chosen = torch.as_tensor(index, device=self.labels.device)
        return Resident(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Files:
    """Large images, decoded by loader processes when they are needed."""

    paths: tuple[Path, ...]
    labels: Tensor  # int64 (N,)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Files:
        return self

    def subset(self, index: Sequence[int]) -> Files:
        chosen = [int(i) for i in index]
        return Files(tuple(self.paths[i] for i in chosen), self.labels[chosen])

    def read(self, index: int) -> Tensor:
        """RGB, uint8 (3, H, W). Raises BadInput naming a file that cannot be read."""
        return read_image(self.paths[index])


@dataclass(frozen=True)
class Catalogue:
    """Images that a torchvision data set gives one by one, decoded when they are needed."""

    dataset: Any  # place -> (PIL image, label)
    places: tuple[int, ...]
    labels: Tensor  # int64 (N,)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Catalogue:
        return self

    def subset(self, index: Sequence[int]) -> Catalogue:
        chosen = [int(i) for i in index]
        return Catalogue(self.dataset, tuple(self.places[i] for i in chosen), self.labels[chosen])

    def read(self, index: int) -> Tensor:
        """RGB, uint8 (3, H, W)."""
        return F.pil_to_tensor(self.dataset[self.places[index]][0].convert("RGB"))


Source = Resident | Files | Catalogue


@dataclass(frozen=True)
class Splits:
    """A task's images: any choice is made on `validation`; `test` is read once, at the end."""

    train: Source
    validation: Source
    test: Source
    probe: Source  # clean training images, for training accuracy
    classes: int
    channels: int
    mean: tuple[float, ...]  # of pixels in [0, 1], a value a channel
    std: tuple[float, ...]
    names: tuple[str, ...] = ()  # of the classes

    def to(self, device: torch.device) -> Splits:
        names = ("train", "validation", "test", "probe")
        return dataclasses.replace(self, **{name: getattr(self, name).to(device) for name in names})
