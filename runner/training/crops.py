"""Crops: an image of any size, cropped to the side of a network's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from runner.training.randomness import derive, generator

NARROW, WIDE = torch.log(torch.tensor((3 / 4, 4 / 3))).tolist()  # log of width by height
LONGEST = 8  # of a longer image, only the middle LONGEST times its height is used
TRIES = 10  # attempts for a box within the image, then its middle


@dataclass(frozen=True)
class View:
    """How files become tensors of one size. seed: None for a centre crop, in evaluation."""

    resolution: int  # pixels per side
    crop: str  # as Recipe.crop
    seed: int | None = None
    smallest: float = 0.08  # as Recipe.crop_scale
    repeats: int = 1  # as Recipe.repeats: copies are neighbours, each with its own crop
    margin: float = 0.875  # as Recipe.margin
    whole: tuple[Any, ...] = ()  # transforms of Recipe.transforms that act before the crop

    @property
    def randomly(self) -> bool:
        """Whether each image gets its own random crop, or a random change before the crop."""
        own = self.crop in ("random", "random-resized") or bool(self.whole)
        return self.seed is not None and own


def drawn(image: Tensor, view: View, place: tuple[int, ...], stored: bool) -> Tensor:
    """A crop of one image (C, H, W), drawn only from the view's seed and `place`.

    stored: a stored image is already at its size, so only a random crop cuts from it.
    """
    side = view.resolution or image.shape[-1]
    assert view.seed is not None
    if view.crop == "squeeze":
        image = fitted(image, side)
    elif view.crop != "random-resized":
        whole = view.crop == "random" or not stored
        image = scaled(image, side, view.margin) if whole else fitted(image, view.resolution)
    for number, transform in enumerate(view.whole):
        draws = generator(view.seed, "whole", *place, number)
        image = transform.apply(image.unsqueeze(0), draws).squeeze(0)
    if view.crop not in ("random", "random-resized"):
        return image if stored else F.center_crop(image, [side, side])
    if view.crop == "random-resized":
        box = box_of(view, image.shape[-2], image.shape[-1], place)
        return F.resized_crop_image(image, *box, [side, side], antialias=True)
    top, left = corner_of(view, image.shape[-2], image.shape[-1], side, place)
    return image[..., top : top + side, left : left + side]


def drawn_together(images: Tensor, view: View, places: Sequence[tuple[int, ...]]) -> Tensor:
    """Random crops of stored images (B, C, H, W), those of `drawn`: cut out by one index."""
    side = view.resolution or images.shape[-1]
    images = scaled(images, side, view.margin)
    height, width = images.shape[-2:]
    corners = [corner_of(view, height, width, side, place) for place in places]
    top, left = torch.tensor(corners).to(images.device, non_blocking=True).T
    along = torch.arange(side, device=images.device)
    rows = (top.view(-1, 1) + along).view(-1, 1, side, 1)
    columns = (left.view(-1, 1) + along).view(-1, 1, 1, side)
    number = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    return images[number, channel, rows, columns]


def corner_of(
    view: View, height: int, width: int, side: int, place: tuple[int, ...]
) -> tuple[int, int]:
    """Top and left of a crop of `side` pixels, anywhere within: as torchvision's RandomCrop draws.

    Drawn from the view's seed and `place` alone.
    """
    assert view.seed is not None
    draws = torch.Generator().manual_seed(derive(view.seed, "crop", *place))
    top, left = (
        int(torch.randint(length - side + 1, (), generator=draws)) if length > side else 0
        for length in (height, width)
    )
    return top, left


def box_of(
    view: View, height: int, width: int, place: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """The box of a random-resized crop, drawn only from the view's seed and `place`."""
    assert view.seed is not None
    return resized_box(height, width, view.smallest, derive(view.seed, "crop", *place))


def resized_box(height: int, width: int, smallest: float, seed: int) -> tuple[int, int, int, int]:
    """Top, left, height and width that torchvision's RandomResizedCrop draws with this seed."""
    draws = torch.Generator().manual_seed(seed)
    area, number, place = height * width, torch.empty(1), torch.empty(1, dtype=torch.int64)
    for _ in range(TRIES):
        target = area * number.uniform_(smallest, 1.0, generator=draws).item()
        aspect = number.uniform_(NARROW, WIDE, generator=draws).exp_().item()
        w, h = round(math.sqrt(target * aspect)), round(math.sqrt(target / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = place.random_(0, height - h + 1, generator=draws).item()
            return int(top), int(place.random_(0, width - w + 1, generator=draws).item()), h, w
    w, h = width, height
    if width / height < 3 / 4:
        h = round(w / (3 / 4))
    elif width / height > 4 / 3:
        w = round(h * (4 / 3))
    return (height - h) // 2, (width - w) // 2, h, w


def resized_together(images: Tensor, boxes: Sequence[Sequence[int]], side: int) -> Tensor:
    """Boxes (top, left, height, width) of uint8 images (B, C, H, W), resized with antialiasing.

    Two matrix products for the whole batch give the rounded result of torchvision's resized_crop
    for floats, as on a GPU. torchvision's kernel for bytes on a CPU differs by 1 in every sixth
    value, so crops on a CPU use that kernel, one by one. Doubles avoid TF32.
    """
    top, left, tall, wide = torch.tensor(boxes).to(images.device, non_blocking=True).double().T
    rows = _triangles(top, tall, images.shape[-2], side).unsqueeze(1)
    columns = _triangles(left, wide, images.shape[-1], side).unsqueeze(1)
    found = rows @ images.double() @ columns.transpose(-1, -2)
    return found.round_().clamp_(0, 255).to(torch.uint8)


def _triangles(start: Tensor, length: Tensor, size: int, side: int) -> Tensor:
    """Weights (B, side, size) that resize `length` of `size` pixels, from `start` on, to `side`.

    start, length: (B,). The bilinear filter is as wide as a pixel or a step, whichever is larger.
    """
    scale = (length / side).view(-1, 1, 1)
    place = torch.arange(size, device=start.device) - start.view(-1, 1, 1)
    middle = scale * (torch.arange(side, device=start.device).view(1, -1, 1) + 0.5)
    shares = (1 - (place + 0.5 - middle).abs() / scale.clamp(min=1)).clamp(min=0)
    shares = shares * ((place >= 0) & (place < length.view(-1, 1, 1)))
    return shares / shares.sum(2, keepdim=True)


def centred(images: Tensor, side: int, margin: float) -> Tensor:
    """The middle of images (..., H, W): `side` pixels that cover `margin` of the shorter side."""
    return F.center_crop(scaled(images, side, margin), [side, side])


def whole_or_centred(images: Tensor, view: View) -> Tensor:
    """Images (..., H, W) for evaluation: the middle, or the whole image squeezed to a square."""
    if view.crop == "squeeze":
        return fitted(images, view.resolution)
    return centred(images, view.resolution, view.margin)


def scaled(images: Tensor, side: int, margin: float) -> Tensor:
    """Images (..., H, W), scaled so that `side` pixels cover `margin` of the shorter side.

    Only the middle of a very long image: a line of 5,000 pixels would become 5,000 times `side`.
    """
    height, width = images.shape[-2:]
    longest = LONGEST * min(height, width)
    if max(height, width) > longest:
        images = F.center_crop(images, [min(height, longest), min(width, longest)])
    return F.resize(images, [math.ceil(side / margin)], antialias=True)


def fitted(images: Tensor, size: int) -> Tensor:
    """Stored images (..., H, W), resized as a whole to `size` pixels per side; 0: unchanged."""
    if not size or images.shape[-1] == size == images.shape[-2]:
        return images
    return F.resize(images, [size, size], antialias=True)
