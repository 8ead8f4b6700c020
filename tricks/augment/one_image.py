"""Operations on one large image on a CPU, equal to torchvision's to the bit. Torch-free to import.

For a single image a look-up of 256 levels is fastest as Python's bytes.translate, and a warp as one
gather per channel, which does not change the table of indices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tricks.augment import lookup
from tricks.augment.draws import LARGE
from tricks.augment.operations import LARGEST_TABLE, WARPS, Item, operate

if TYPE_CHECKING:
    import torch


def is_one(images: torch.Tensor) -> bool:
    """Whether images (B, C, H, W) are one large image on a CPU."""
    return len(images) == 1 and images.device.type == "cpu" and images.numel() >= LARGE


def operate_alone(image: torch.Tensor, item: Item, interpolation: str) -> torch.Tensor:
    """uint8 (1, C, H, W), C being 1 or 3, after `item`."""
    name, amount = item
    height, width = image.shape[2:]
    if name in ("TranslateX", "TranslateY"):
        return lookup.shifted(image, name, amount)
    if name in WARPS and interpolation == "nearest" and height * width <= LARGEST_TABLE:
        return warped(image, lookup.warp_table(name, amount, height, width, image.device))
    if name in lookup.OF_IMAGE:
        return translated(image, lookup.OF_IMAGE[name](image, [item])[0])
    if name in lookup.FIXED:
        return translated(image, lookup.fixed_table(name, amount, image.device))
    if name == "Identity" or (name == "Color" and image.shape[1] == 1):
        return image
    return operate(image, name, amount, interpolation)


def warped(image: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """uint8 (1, C, H, W) by the source index of each pixel, (H * W,); H * W stands for black."""
    import torch

    planes = torch.nn.functional.pad(image.flatten(2)[0], (0, 1))
    return torch.stack([plane.index_select(0, table) for plane in planes]).view(image.shape)


def translated(image: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """uint8 (1, C, H, W), levels changed by one table (1, 256) or one per channel (C, 256)."""
    import torch

    planes = image.flatten(0, 1) if len(tables) > 1 else image
    out = bytearray()
    for plane, table in zip(planes, tables, strict=True):
        out += plane.numpy().tobytes().translate(table.numpy().tobytes())
    return torch.frombuffer(out, dtype=torch.uint8).view(image.shape)
