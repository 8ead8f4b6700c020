"""Images as a run reads them: small images in one tensor, large images from files or a cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from runner.images.cache import Cache
from runner.images.decoding import Decoded, read_image, smaller
from runner.images.file_list import Paths

# Pixels of an image: larger images are cut one by one, as a batch of them leaves the CPU's cache.
SMALL_IMAGE = 64 * 64


@dataclass(frozen=True)
class Resident:
    """Small images, all in memory (or on the device) as one tensor."""

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
    """Images in files, decoded when they are needed.

    side: see Recipe.stored_side. places: the place of each image among all images of its task.
    """

    paths: Sequence[Path]
    labels: Tensor  # int64 (N,)
    side: int = 0
    places: Sequence[int] | np.ndarray = ()

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Files:
        return self

    def subset(self, index: Sequence[int]) -> Files:
        chosen = np.asarray(index, dtype=np.int64)
        places = np.asarray(self.places)[chosen] if len(self.places) else ()
        held = self.paths
        paths = held.take(chosen) if isinstance(held, Paths) else tuple(held[i] for i in chosen)
        return Files(paths, self.labels[torch.from_numpy(chosen)], self.side, places)

    def stored(self, side: int) -> Files:
        """The same with images of a shorter side of at most `side`."""
        return dataclasses.replace(self, side=side)

    def read(self, index: int) -> Tensor:
        """RGB, uint8 (3, H, W). Raises BadInput naming a file that cannot be read."""
        return read_image(self.paths[index], self.side)


@dataclass(frozen=True)
class Catalogue:
    """Images of a torchvision data set, decoded when they are needed.

    first: the place of the data set's first image among all images of its task. side: as in Files.
    """

    dataset: Any  # place -> (PIL image, label)
    chosen: tuple[int, ...]  # places in the data set
    labels: Tensor  # int64 (N,)
    side: int = 0
    first: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def places(self) -> tuple[int, ...]:
        return tuple(self.first + i for i in self.chosen)

    def to(self, device: torch.device) -> Catalogue:
        return self

    def subset(self, index: Sequence[int]) -> Catalogue:
        chosen = [int(i) for i in index]
        within = tuple(self.chosen[i] for i in chosen)
        return dataclasses.replace(self, chosen=within, labels=self.labels[chosen])

    def stored(self, side: int) -> Catalogue:
        """The same with images of a shorter side of at most `side`."""
        return dataclasses.replace(self, side=side)

    def read(self, index: int) -> Tensor:
        """RGB, uint8 (3, H, W)."""
        image = self.dataset[self.chosen[index]][0].convert("RGB")
        return F.pil_to_tensor(smaller(image, self.side))

    def decoded(self, index: int, side: int) -> Decoded:
        """The image with the size and mode of its original."""
        given = self.dataset[self.chosen[index]][0]
        pixels = np.asarray(smaller(given.convert("RGB"), side))
        return Decoded(pixels, given.height, given.width, given.mode, ())


@dataclass(frozen=True)
class Cached:
    """Images of which an image cache has some or all. The other images are decoded."""

    cache: Cache
    places: np.ndarray  # int64 (N,), in the cache
    source: Files | Catalogue

    def __len__(self) -> int:
        return len(self.source)

    @property
    def labels(self) -> Tensor:
        return self.source.labels

    @property
    def whole(self) -> bool:
        """Whether the cache has all images."""
        return not len(self.places) or int(self.places.max()) < self.cache.cached

    def to(self, device: torch.device) -> Cached:
        return self

    def subset(self, index: Sequence[int]) -> Cached:
        chosen = np.asarray(index, dtype=np.int64)
        return Cached(self.cache, self.places[chosen], self.source.subset(index))

    def stored(self, side: int) -> Files | Catalogue | Cached:
        """The same with images of a shorter side of at most `side`."""
        return self if side == self.source.side else self.source.stored(side)

    def read(self, index: int) -> Tensor:
        """RGB, uint8 (3, H, W). Raises BadInput naming a file that cannot be read."""
        place = int(self.places[index])
        if place < self.cache.cached:
            return self.cache.read(place)
        return self.source.read(index)

    def together(self, index: Sequence[int]) -> Tensor | None:
        """Small images of one size at once, uint8 (B, 3, H, W); None for any other images."""
        size = self.cache.size
        if size is None or not self.whole or size[0] * size[1] > SMALL_IMAGE:
            return None
        height, width = size
        every = self.cache.tensor.view(-1, height, width, 3)
        return every[torch.as_tensor(self.places[np.asarray(index)])].permute(0, 3, 1, 2)


Source = Resident | Files | Catalogue | Cached


@dataclass(frozen=True)
class Splits:
    """A task's images. Choices are made on `validation`; `test` is read once, at the end."""

    train: Source
    validation: Source
    test: Source
    probe: Source  # clean training images, for training accuracy
    classes: int
    channels: int
    mean: tuple[float, ...]  # of pixels in [0, 1], one value per channel
    std: tuple[float, ...]
    names: tuple[str, ...] = ()  # of the classes
    sizes: Sequence[int] | np.ndarray = ()  # bytes of each image file of the task

    @property
    def sources(self) -> tuple[Source, ...]:
        """The images of each part, and the probe."""
        return self.train, self.validation, self.test, self.probe

    def to(self, device: torch.device) -> Splits:
        return self._each(lambda source: source.to(device))

    def stored(self, side: int, cache: Cache | None) -> Splits:
        """The same images, with a shorter side of at most `side`; from `cache` if it has them.

        A cache of other files is not used.
        """
        fits = cache is not None and np.array_equal(cache.index["size"], self.sizes)

        def stored(source: Source) -> Source:
            if not isinstance(source, (Files, Catalogue)):
                return source
            source = source.stored(side)
            if cache is None or not fits:
                return source
            return Cached(cache, np.asarray(source.places, dtype=np.int64), source)

        return self._each(stored)

    def _each(self, act: Callable[[Source], Source]) -> Splits:
        train, validation = act(self.train), act(self.validation)
        return dataclasses.replace(
            self, train=train, validation=validation, test=act(self.test), probe=act(self.probe)
        )
