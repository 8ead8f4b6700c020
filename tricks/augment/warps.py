"""Warps of a batch, each image by its own, in one step on any device. Torch-free to import."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Item = tuple[str, float]  # as in operations


def sampled(images: torch.Tensor, items: Sequence[Item], interpolation: str) -> torch.Tensor:
    """uint8 (B, C, H, W), image b warped by `items[b]`: torchvision's operators on each.

    Where every pixel comes from is worked out on the device, from six numbers an image that are
    moved there at once; torchvision's operators wait for the device with each image.
    """
    import torch

    count, _, height, width = images.shape
    device = images.device
    places = torch.tensor([_matrix(*item, height, width) for item in items])  # (B, 2, 3)
    places = places.transpose(1, 2) / torch.tensor([0.5 * width, 0.5 * height])
    x = torch.linspace((1.0 - width) * 0.5, (width - 1.0) * 0.5, width, device=device)
    y = torch.linspace((1.0 - height) * 0.5, (height - 1.0) * 0.5, height, device=device)
    ones = torch.ones(height, width, device=device)
    base = torch.stack([x.expand(height, -1), y.unsqueeze(1).expand(-1, width), ones], -1)
    base = base.view(1, -1, 3).expand(count, -1, -1)
    grid = base.bmm(places.to(device, non_blocking=True)).view(count, height, width, 2)
    found = torch.nn.functional.grid_sample(
        images.float(), grid, interpolation, padding_mode="zeros", align_corners=False
    )
    return found.round_().to(images.dtype)


def _matrix(operation: str, amount: float, height: int, width: int) -> list[list[float]]:
    """Where the pixel at (x, y, 1) from the middle of the image comes from; see `operate`."""
    if operation == "TranslateX":
        return [[1.0, 0.0, -float(int(amount))], [0.0, 1.0, 0.0]]
    if operation == "TranslateY":
        return [[1.0, 0.0, 0.0], [0.0, 1.0, -float(int(amount))]]
    if operation == "Rotate":
        angle = math.radians(-(amount % 360))
        sine, cosine = math.sin(angle), math.cos(angle)
        return [[cosine, sine, 0.0], [-sine, cosine, 0.0]]
    angle = math.radians(math.degrees(math.atan(amount)))
    # From the upper left corner, as Pillow shears; sums in torchvision's order.
    x, y = 0.5 * width, 0.5 * height
    if operation == "ShearX":
        slope = math.tan(angle)
        return [[1.0, slope, (x + slope * y) - x], [0.0, 1.0, 0.0]]
    slope = math.sin(angle) / math.cos(angle)
    return [[1.0, 0.0, 0.0], [slope, 1.0, (slope * x + y) - y]]
