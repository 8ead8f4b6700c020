"""Painting over boxes of images. Torch-free to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

FILLS = ("mean", "black", "noise")


def check_fill(fill: str) -> None:
    """Raises ValueError for an unknown `fill`."""
    if fill not in FILLS:
        raise ValueError(f"fill must be one of {', '.join(FILLS)}, not {fill!r}")


def paint(
    images: torch.Tensor, boxes: torch.Tensor, fill: str, generator: torch.Generator
) -> torch.Tensor:
    """uint8 (B, C, H, W) with the box (top, bottom, left, right) of each image painted over.

    boxes: (B, 4) int64, ends excluded; an empty box does not change the image. fill: "mean" (the
    batch's mean of each channel: about 0 after normalisation), "black", or "noise" (each pixel
    uniform over all levels).
    """
    import torch

    if images.device.type == "cpu":
        return _paint_one_by_one(images, boxes, fill, generator)
    height, width = images.shape[2:]
    boxes = boxes.to(images.device, non_blocking=True)
    top, bottom, left, right = boxes.view(-1, 4, 1).unbind(1)
    y = torch.arange(height, device=images.device)
    x = torch.arange(width, device=images.device)
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    inside = (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)
    if fill == "noise":
        device = generator.device
        noise = torch.randint(
            256, images.shape, generator=generator, device=device, dtype=torch.uint8
        )
        return torch.where(inside, noise.to(images.device, non_blocking=True), images)
    if fill == "mean":
        mean = images.mean((0, 2, 3), keepdim=True, dtype=torch.float32).round()
        return torch.where(inside, mean.to(images.dtype), images)
    return images.masked_fill(inside, 0)


def _paint_one_by_one(
    images: torch.Tensor, boxes: torch.Tensor, fill: str, generator: torch.Generator
) -> torch.Tensor:
    """`paint` as a loop over images, which writes only the painted pixels."""
    import torch

    out = images.clone()
    level: torch.Tensor | int = 0
    if fill == "noise":
        noise = torch.randint(256, images.shape, generator=generator, dtype=torch.uint8)
    elif fill == "mean":
        mean = images.mean((0, 2, 3), keepdim=True, dtype=torch.float32).round()
        level = mean.squeeze(0).to(images.dtype)
    for place, (top, bottom, left, right) in enumerate(boxes.tolist()):
        if top < bottom and left < right:
            box = out[place, :, top:bottom, left:right]
            box[:] = noise[place, :, top:bottom, left:right] if fill == "noise" else level
    return out
