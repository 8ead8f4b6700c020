"""From stored pixels to a training batch: crop, flip, transforms, normalise, mix, smooth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from runner.training.randomness import derive, generator
from tricks.augment.draws import LARGE, in_pieces, replaced, where
from tricks.mix.mixing_off import first_plain
from tricks.recipe import Recipe
from tricks.target.label_smoothing import smooth
from tricks.trick import Trick


def normalise(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (B, C, H, W) -> float32, with zero mean and unit deviation over the training set."""
    device = images.device
    scale = torch.tensor([1 / (255 * s) for s in std]).to(device, non_blocking=True)
    shift = torch.tensor([m / s for m, s in zip(mean, std, strict=True)])
    shift = shift.to(device, non_blocking=True)

    def act(images: Tensor) -> Tensor:
        return images.to(torch.float32).mul_(scale.view(1, -1, 1, 1)).sub_(shift.view(1, -1, 1, 1))

    return in_pieces(act, images)


def targets(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """int64 (B,) -> (B, K) float32, with `smoothing` spread over all K classes."""
    return smooth(F.one_hot(labels, classes).float(), smoothing)


def pad_crop(
    images: Tensor, rows: Tensor, columns: Tensor, pad: int, flipped: Tensor | None = None
) -> Tensor:
    """Pad (B, C, H, W) with `pad` zeros per side, then crop H × W at (rows, columns), (B,) each.

    flipped: bool (B,), the images to mirror after the crop. All this is a single gather.
    """
    count, _, height, width = images.shape
    device = images.device
    y, x = torch.arange(height), torch.arange(width).expand(count, -1)
    if flipped is not None:
        x = torch.where(flipped.view(-1, 1), x.flip(1), x)
    tall, wide = height + 2 * pad, width + 2 * pad
    # Random numbers are on the CPU: only rows and columns of the index move to the device.
    y = ((rows.view(-1, 1) + y) * wide).int().to(device, non_blocking=True)
    x = (columns.view(-1, 1) + x).int().to(device, non_blocking=True)

    def act(images: Tensor, y: Tensor, x: Tensor) -> Tensor:
        padded = F.pad(images, (pad, pad, pad, pad))
        planes = torch.arange(0, padded.numel(), tall * wide, dtype=torch.int32, device=device)
        place = y.unsqueeze(2) + x.unsqueeze(1)  # (B, H, W)
        index = place.unsqueeze(1) + planes.view(len(images), -1, 1, 1)
        return padded.flatten().index_select(0, index.flatten()).view(images.shape)

    return in_pieces(act, images, y, x)


def augment(
    images: Tensor,
    recipe: Recipe,
    seed: int,
    epoch: int,
    step: int,
    index: Sequence[int] = (),
) -> Tensor:
    """Apply the recipe's crop, flip and transforms to uint8 (B, C, H, W), which may be changed.

    Flips and crops have their own random streams, and each transform has the stream of its
    position: a new transform does not change the random numbers of earlier ones.

    index: (B,) places of the images in the training set, for alternating flips.
    """
    count, flipped = len(images), None
    if recipe.flip:
        if recipe.alternate_flips:
            flipped = alternating(index, seed, epoch)
        else:
            flipped = torch.rand(count, generator=generator(seed, "flip", epoch, step))
            flipped = flipped < recipe.flip_share
    if recipe.crop == "pad":
        pad = max(1, images.shape[-1] // 8)
        rows, columns = torch.randint(
            2 * pad + 1, (2, count), generator=generator(seed, "pad", epoch, step)
        )
        images = pad_crop(images, rows, columns, pad, flipped)
    elif flipped is not None:
        images = flip(images, flipped)
    for place, item in enumerate(recipe.transforms):
        transform: Any = item
        if getattr(transform, "before_crop", False):  # already applied, see whole()
            continue
        images = transform.apply(images, generator(seed, "augment", epoch, step, place))
    return images


def views(images: Tensor, recipe: Recipe, seed: int, epoch: int, step: int) -> Tensor:
    """Augmented images uint8 (B, C, H, W), with further views if the objective needs them.

    (V B, C, H, W): all images of a view, then all of the next view.
    """
    make: Any = getattr(recipe.objective, "show", None)
    return images if make is None else make(images, generator(seed, "views", epoch, step))


def whole(recipe: Recipe) -> tuple[Trick, ...]:
    """The transforms that act on an image before it is cropped."""
    return tuple(item for item in recipe.transforms if getattr(item, "before_crop", False))


def flip(images: Tensor, flipped: Tensor) -> Tensor:
    """Images (B, C, H, W), mirrored left to right where `flipped` (B,) is true.

    Large images on a CPU are mirrored in place: a second batch would need new memory pages.
    """
    if images.device.type == "cpu" and images[:1].numel() >= LARGE:
        for place in flipped.nonzero().flatten().tolist():
            images[place] = images[place].flip(-1)
        return images
    places = where(flipped, images)
    return replaced(images, places, images.index_select(0, places).flip(-1))


def alternating(index: Sequence[int], seed: int, epoch: int) -> Tensor:
    """bool (B,): a random value for each training image at `index`, reversed every epoch."""
    first = torch.rand(max(index) + 1, generator=generator(seed, "flip")) < 0.5
    return first[torch.as_tensor(index)] ^ bool(epoch % 2)


def resize(images: Tensor, recipe: Recipe, progress: float) -> Tensor:
    """Float images (B, C, H, W), resized to the recipe's `resizing` at `progress`."""
    resizing: Any = recipe.resizing
    if resizing is None:
        return images
    full = images.shape[-1]
    side = resizing.pixels(full, progress)
    return images if side == full else F.interpolate(
        images, size=(side, side), mode="bilinear", antialias=True
    )  # fmt: skip


def mix(
    images: Tensor, soft: Tensor, recipe: Recipe, seed: int, epoch: int, step: int
) -> tuple[Tensor, Tensor]:
    """Mix a batch (images (B, C, H, W), targets (B, K)) with one of the recipe's mixers, if any."""
    if not recipe.mixers or epoch >= first_plain(recipe.mix_share, recipe.epochs):
        return images, soft
    draws = generator(seed, "mix", epoch, step)
    chosen: Any = recipe.mixers[int(torch.randint(len(recipe.mixers), (), generator=draws))]
    return chosen.mix(images, soft, draws)


def seed_forward(seed: int, epoch: int) -> None:
    """Set the global stream from which layers such as dropout draw during an epoch."""
    torch.manual_seed(derive(seed, "forward", epoch))
