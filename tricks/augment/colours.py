"""Brightness, contrast, saturation and hue with a factor for each image. Torch-free to import.

torchvision's operators take one factor for a batch; these functions give the same result except for
the last bit. Saturation and hue do not change grey images (one channel).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def whole(levels: torch.Tensor) -> torch.Tensor:
    """Float levels from 0 to 255 truncated to uint8, via int16, which is five times as fast."""
    import torch

    return levels.to(torch.int16).to(torch.uint8)


def luma(images: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W) float32 from uint8 or float (B, C, H, W), in whole levels, as in torchvision."""
    images = images.float()
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, 1)
    return red.mul(0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).floor_()


def on(images: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """`values` (B,) as (B, 1, 1, 1), on the device of `images`."""
    return values.to(images.device, non_blocking=True).view(-1, 1, 1, 1)


def blend(images: torch.Tensor, other: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """factor * image + (1 - factor) * other; 0 gives `other`, above 1 extrapolates."""
    import torch

    share = on(images, factors)
    mixed = torch.addcmul(images.float().mul_(share), other, 1 - share)
    return whole(mixed.clamp_(0, 255))


def brightness(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Images uint8 (B, C, H, W) made lighter or darker: 0 is black. factors (B,), at least 0."""
    return whole(images.float().mul_(on(images, factors)).clamp_(0, 255))


def contrast(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Images uint8 (B, C, H, W) with more or less contrast: 0 is their mean grey."""
    return blend(images, luma(images).mean((1, 2, 3), keepdim=True), factors)


def saturation(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Images uint8 (B, C, H, W) with more or less colour: 0 is grey."""
    return images if images.shape[1] == 1 else blend(images, luma(images), factors)


def hue(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Images uint8 (B, C, H, W) with their hue turned by `turns` (B,) of the colour circle."""
    import torch

    if images.shape[1] == 1:
        return images
    colours = images.float() / 255
    low, high = colours.aminmax(dim=1)
    spread = high - low
    red, green, blue = colours.unbind(1)
    step = spread.clamp(min=1e-9)  # grey pixels have no hue
    angle = torch.where(
        high == red,
        (green - blue) / step,
        torch.where(high == green, 2 + (blue - red) / step, 4 + (red - green) / step),
    )
    angle += 6 * on(images, turns).squeeze(1)
    # Each channel falls from `high` to `low` and rises again around the circle, a third apart.
    thirds = torch.tensor([5.0, 3.0, 1.0]).to(images.device, non_blocking=True)
    sixths = (angle.unsqueeze(1) + thirds.view(3, 1, 1)).remainder_(6)
    dip = torch.minimum(sixths, 4 - sixths).clamp_(0, 1)
    turned = high.unsqueeze(1) - spread.unsqueeze(1) * dip
    return whole(turned.mul_(255.999))  # torchvision's rounding
