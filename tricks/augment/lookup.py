"""Operations on images as look-ups, with one table per image. Torch-free to import.

An operation on uint8 has 256 results, or 65,536 if it depends on a second level. torchvision's
arithmetic computes them once as a table, and pixels look them up. So a batch of different
operations is one gather, and every pixel equals torchvision's to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from tricks.augment.colours import luma
from tricks.augment.operations import ENHANCEMENTS, Item, blurred, operate

if TYPE_CHECKING:
    import torch

ALONE = frozenset((*ENHANCEMENTS, "Posterize"))  # faster without a table for one large image
FIXED = frozenset(("Brightness", "Posterize", "Solarize", "Invert"))


def look_up(tables: torch.Tensor, rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Each value of `index` int32 (N, ...) in its row of `tables` (R, L); `rows` (N,) int32.

    `index` is changed in place. It is int32, which halves the cost of a look-up.
    """
    if len(tables) > 1:
        index += (rows * tables.shape[1]).view(-1, *[1] * (index.ndim - 1))
    return tables.flatten().index_select(0, index.flatten()).view(index.shape)


@lru_cache(maxsize=1024)
def warp_table(
    operation: str, amount: float, height: int, width: int, device: torch.device
) -> torch.Tensor:
    """(H * W,) int32: source index of each pixel of a warp; H * W stands for black.

    A warp by nearest neighbour rearranges pixels. So torchvision's operator runs once, on an image
    that numbers its pixels.
    """
    import torch

    # float32 is exact up to 2**24: images of 4096 x 4096.
    numbers = torch.arange(1, height * width + 1, device=device, dtype=torch.float32)
    source = operate(numbers.view(1, height, width), operation, amount).flatten().int() - 1
    return torch.where(source < 0, height * width, source)


def warped(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """uint8 (B, C, H, W), image b warped by `items[b]` with nearest-neighbour interpolation."""
    import torch

    height, width = images.shape[2:]
    if len(images) == 1 and items[0][0] in ("TranslateX", "TranslateY"):
        return shifted(images, *items[0])
    index = torch.stack([warp_table(*item, height, width, images.device) for item in items])
    pixels = torch.nn.functional.pad(images.flatten(2), (0, 1))
    starts = torch.arange(
        0, pixels.numel(), pixels.shape[2], dtype=torch.int32, device=images.device
    )
    index = index.unsqueeze(1) + starts.view(len(images), -1, 1)
    return pixels.flatten().index_select(0, index.flatten()).view(images.shape)


def shifted(images: torch.Tensor, operation: str, amount: float) -> torch.Tensor:
    """uint8 (B, C, H, W) shifted right or down by whole pixels, filled with black."""
    import torch

    axis = 3 if operation == "TranslateX" else 2
    side = images.shape[axis]
    by = max(-side, min(side, int(amount)))
    out = torch.zeros_like(images)
    kept = side - abs(by)
    out.narrow(axis, max(by, 0), kept).copy_(images.narrow(axis, max(-by, 0), kept))
    return out


@lru_cache(maxsize=256)
def fixed_table(operation: str, amount: float, device: torch.device) -> torch.Tensor:
    """(1, 256) uint8: level -> level, the same for every image."""
    import torch

    levels = torch.arange(256, dtype=torch.uint8, device=device)
    return operate(levels.view(1, 16, 16), operation, amount).view(1, 256)


def contrast_tables(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """(B, 1, 256) uint8: levels moved away from or towards the mean luma of each image."""
    import torch

    device = images.device
    levels = torch.arange(256, dtype=torch.float32, device=device)
    shares = torch.tensor([1.0 + amount for _, amount in items]).to(device, non_blocking=True)
    tables = levels * shares.view(-1, 1)
    means = luma(images).mean((1, 2, 3)).split(1)
    for (_, amount), table, mean in zip(items, tables.unbind(), means, strict=True):
        table.add_(mean, alpha=1.0 - (1.0 + amount))  # a Python number: rounded as in torchvision
    return tables.clamp_(0, 255).to(torch.uint8).unsqueeze(1)


def autocontrast_tables(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """(B, C, 256) uint8: the levels of each channel spread to 0 and 255."""
    import torch

    pixels = images.flatten(2)
    low, high = (f(2, keepdim=True).float() for f in (pixels.amin, pixels.amax))
    flat = low == high
    scale = ((high - low) * (1 / 255)).masked_fill_(flat, 1)
    levels = torch.arange(256, dtype=torch.float32, device=images.device)
    spread = (levels - low.masked_fill_(flat, 0)).div_(scale)
    return spread.clamp_(0, 255).to(torch.uint8)


def equalize_tables(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """(B, C, 256) uint8: levels by the share of a channel's pixels below them, as Pillow does."""
    import torch

    pixels = images.flatten(2)
    if len(images) == 1 and images.device.type == "cpu":
        # Faster for large images; on a GPU bincount waits for the device.
        counts = torch.stack([channel.bincount(minlength=256) for channel in pixels[0]])[None]
    else:
        counts = torch.zeros(*images.shape[:2], 256, dtype=torch.int64, device=images.device)
        counts.scatter_add_(2, pixels.long(), counts.new_ones(1).expand_as(pixels))
    # Integers as float64: quotients are exact enough for truncation, and much faster.
    counts = counts.double()
    last = counts.gather(2, pixels.amax(2, keepdim=True).long())  # pixels of the highest level
    step = ((pixels.shape[2] - last) / 255).floor_()
    table = counts.cumsum(2).add_((step / 2).floor_()).div_(step.clamp(min=1)).floor_()
    table = torch.nn.functional.pad(table[:, :, :-1].clamp_(0, 255), (1, 0)).to(torch.uint8)
    levels = torch.arange(256, dtype=torch.uint8, device=images.device)
    return torch.where(step == 0, levels, table)


OF_IMAGE = {
    "Contrast": contrast_tables, "AutoContrast": autocontrast_tables, "Equalize": equalize_tables,
}  # fmt: skip
BY_LEVEL = FIXED | set(OF_IMAGE)


def by_level(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """uint8 (B, C, H, W), the levels of image b changed by `items[b]`, one of BY_LEVEL."""
    import torch

    channels = images.shape[1]
    numbers: dict[Item, int] = {}
    rows = [
        [numbers.setdefault(item, len(numbers))] * channels if item[0] in FIXED else []
        for item in items
    ]
    tables = [fixed_table(*item, images.device) for item in numbers]
    count = len(tables)
    for name, tables_of in OF_IMAGE.items():
        own = [place for place, item in enumerate(items) if item[0] == name]
        if own:
            some = images if len(own) == len(items) else images.index_select(0, on(own, images))
            found = tables_of(some, [items[place] for place in own])
            for place in own:
                each = range(count, count + found.shape[1])
                rows[place] = list(each) * (channels // len(each))
                count += len(each)
            tables.append(found.flatten(0, 1))
    chosen = on([row for own in rows for row in own], images)
    return look_up(torch.cat(tables), chosen, images.flatten(0, 1).int()).view(images.shape)


def pair_table(operation: str, amount: float, device: torch.device) -> torch.Tensor:
    """(65536,) uint8: the result for level x with second level y, at 256 * y + x.

    y is the luma of the pixel for Color, the blurred channel for Sharpness.
    """
    import torch

    share = 1.0 + amount
    x = torch.arange(256, dtype=torch.float32, device=device).repeat(256)
    y = torch.arange(256, dtype=torch.float32, device=device).repeat_interleave(256)
    # torchvision's two ways to blend, whose last bits differ.
    if operation == "Color":
        mixed = x.mul(share).add_(y, alpha=1.0 - share)
    else:
        mixed = x.add(y.sub(x), alpha=1.0 - share)
    return mixed.clamp_(0, 255).to(torch.uint8)


# All tables so far, one tensor per device: stacking them again costs more than a look-up.
_pair_tables: dict[torch.device, tuple[dict[Item, int], torch.Tensor]] = {}


def pair_tables(items: Sequence[Item], device: torch.device) -> tuple[torch.Tensor, list[int]]:
    """Tables (R, 65536) with those of `items` among them, and the row of each item."""
    import torch

    if device not in _pair_tables:
        _pair_tables[device] = {}, torch.empty(0, 2**16, dtype=torch.uint8, device=device)
    rows, tables = _pair_tables[device]
    new = [item for item in dict.fromkeys(items) if item not in rows]
    if new:
        tables = torch.cat([tables, *(pair_table(*item, device)[None] for item in new)])
        rows = {**rows, **{item: len(rows) + i for i, item in enumerate(new)}}
        _pair_tables[device] = rows, tables
    return tables, [rows[item] for item in items]


def by_pair(images: torch.Tensor, items: Sequence[Item]) -> torch.Tensor:
    """uint8 (B, C, H, W), image b after `items[b]`, one of BY_PAIR."""
    import torch

    parts, order = [], []
    for name, companion in (("Color", luma), ("Sharpness", blurred)):
        own = [place for place, item in enumerate(items) if item[0] == name]
        if own:
            some = images if len(own) == len(items) else images.index_select(0, on(own, images))
            parts.append(companion(some).int().mul_(256) + some.int())
            order += own
    tables, rows = pair_tables([items[place] for place in order], images.device)
    return restored(look_up(tables, on(rows, images), torch.cat(parts)), order)


def restored(images: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    """`images` (B, ...) reordered: image i goes to index `order[i]`."""
    if list(order) == sorted(order):
        return images
    places = sorted(range(len(order)), key=order.__getitem__)
    return images.index_select(0, on(places, images))


def on(places: Sequence[int], images: torch.Tensor) -> torch.Tensor:
    """`places` as an index on the device of `images`."""
    import torch

    return torch.tensor(places, dtype=torch.int32).to(images.device, non_blocking=True)
