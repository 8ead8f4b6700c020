"""Operations on the images of a batch, each image with its own. Torch-free to import."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tricks.augment.draws import in_pieces
from tricks.augment.operations import LARGEST_TABLE, WARPS, Item, operate
from tricks.augment.warps import sampled
from tricks.errors import BadInput

if TYPE_CHECKING:
    import torch


def operate_each(
    images: torch.Tensor, items: Sequence[Item], interpolation: str = "nearest"
) -> torch.Tensor:
    """Image b of (B, C, H, W) uint8 after `items[b]`, equal to torchvision's operator on it alone.

    Images with the same kind of operation are processed together: see `lookup` and `warps`. Raises
    BadInput for images that do not have 1 or 3 channels.
    """
    import torch

    from tricks.augment import lookup, one_image

    if images.shape[1] not in (1, 3):
        raise BadInput(f"the operation needs images of 1 or 3 channels, not {images.shape[1]}")
    if one_image.is_one(images):
        return one_image.operate_alone(images, items[0], interpolation)
    height, width = images.shape[2:]
    # On a GPU a table is not faster, and making it waits for the device.
    tables = height * width <= LARGEST_TABLE and images.device.type == "cpu"
    same = {"Identity"}  # operations that do not change images
    same |= {"Color"} if images.shape[1] == 1 else set()
    same |= {"Sharpness"} if min(height, width) <= 2 else set()
    sample = partial(sampled, interpolation=interpolation)
    groups: dict[Any, list[int]] = {}
    for place, item in enumerate(items):
        name = item[0]
        treatment: Any = item
        if name in same:
            treatment = None
        elif name in lookup.ALONE and len(images) == 1:
            pass
        elif name in lookup.BY_LEVEL:
            treatment = lookup.by_level
        elif name in WARPS:
            # Shifts by whole pixels need no interpolation.
            nearest = interpolation == "nearest" or name in ("TranslateX", "TranslateY")
            treatment = lookup.warped if tables and nearest else sample
        else:
            treatment = lookup.by_pair
        groups.setdefault(treatment, []).append(place)
    parts, order = [], []
    for treatment, places in groups.items():
        alone = len(groups) == 1
        chosen = images if alone else images.index_select(0, lookup.on(places, images))
        if callable(treatment):
            chosen = treatment(chosen, [items[place] for place in places])
        elif treatment is not None:
            name, amount = treatment
            chosen = operate(chosen, name, amount, interpolation)
        parts.append(chosen)
        order += places
    return lookup.restored(torch.cat(parts) if len(parts) > 1 else parts[0], order)


def operate_in_turn(
    images: torch.Tensor, *lists: Sequence[Item], interpolation: str = "nearest"
) -> torch.Tensor:
    """Image b of (B, C, H, W) uint8 after item b of each of the `lists`, in turn."""

    def act(images: torch.Tensor, *lists: Sequence[Item]) -> torch.Tensor:
        for items in lists:
            images = operate_each(images, items, interpolation)
        return images

    return in_pieces(act, images, *lists)
