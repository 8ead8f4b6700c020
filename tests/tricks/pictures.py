"""Images on which the augmentations are tried."""

from __future__ import annotations

import torch


def pictures(count, channels, height, width, seed=0):
    """Noise, some of it dark, of few values, with gaps in its range, or of one value."""
    source = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, channels, height, width), generator=source)
    images[::5] //= 16
    images[1::5] = images[1::5] // 32 * 32
    images[2::5] = images[2::5].clamp(60, 200)
    images[-1] = 77
    return images.to(torch.uint8)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def off_by(found, expected):
    """The greatest difference in levels, and the share of pixels that differ at all."""
    difference = (found.int() - torch.as_tensor(expected).int()).abs()
    return int(difference.max()), float((difference > 0).float().mean())
