"""Boxes of an image that are painted over. Torch-free to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

FILLS = ("mean", "black", "noise")


def check_fill(fill: str) -> None:
    """Raises ValueError unless `fill` is a known one."""
    if fill not in FILLS:
        raise ValueError(f"fill must be one of {', '.join(FILLS)}, not {fill!r}")


def paint(
    images: torch.Tensor, boxes: torch.Tensor, fill: str, generator: torch.Generator
) -> torch.Tensor:
    """uint8 (B, C, H, W) with the box (top, bottom, left, right) of each image painted over.

    boxes: (B, 4) int64, ends excluded; an empty box leaves the image as it is. fill: "mean" (of
    the batch, a value a channel: about 0 after normalisation), "black", or "noise" (each pixel
    evenly from all levels).
    """
    import torch

    height, width = images.shape[2:]
    top, bottom, left, right = boxes.to(images.device).view(-1, 4, 1).unbind(1)
    y = torch.arange(height, device=images.device)
    x = torch.arange(width, device=images.device)
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    inside = (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)
    if fill == "noise":
        device = generator.device
        noise = torch.randint(
            256, images.shape, generator=generator, device=device, dtype=torch.uint8
        )
        return torch.where(inside, noise.to(images.device), images)
    if fill == "mean":
        mean = images.mean((0, 2, 3), keepdim=True, dtype=torch.float32).round()
        return torch.where(inside, mean.to(images.dtype), images)
    return images.masked_fill(inside, 0)
