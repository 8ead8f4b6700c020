"""Use of attention maps: pooled features, and regions to crop or blank."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

EPSILON = 1e-6  # added under square roots, whose slope at 0 is infinite


def bilinear_pooling(features: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """(B, M·C): the mean of the features weighted by each map; each row has length 1.

    features (B, C, H, W), maps (B, M, H, W). Each mean x becomes sign(x) √|x|.
    """
    import torch
    from torch.nn import functional as F

    pixels = features.shape[-2] * features.shape[-1]
    means = torch.einsum("bmhw,bchw->bmc", maps, features).flatten(1) / pixels
    return F.normalize(means.sign() * (means.abs() + EPSILON).sqrt(), dim=1)


def drawn(maps: torch.Tensor, count: int) -> torch.Tensor:
    """(B, count, H, W): `count` of each image's `maps` (B, M, H, W), drawn from torch's stream.

    The probability of a map is proportional to the root of its sum; draws are independent.
    """
    import torch

    weights = (maps.detach().float().sum((2, 3)).clamp_min(0) + EPSILON).sqrt()
    chosen = torch.multinomial(weights, count, replacement=True)
    return maps.detach()[torch.arange(len(maps), device=maps.device).unsqueeze(1), chosen]


def bright(maps: torch.Tensor, shares: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """bool (B, H, W): where maps (B, h, w), enlarged to `size`, reach a share of their maximum.

    shares: (B,). Nothing is bright in a map of zeros.
    """
    from torch.nn import functional as F

    large = F.interpolate(maps.float().unsqueeze(1), size, mode="bilinear").squeeze(1)
    top = large.amax((1, 2), keepdim=True)
    return (large >= shares.view(-1, 1, 1) * top) & (large > 0)


def boxes(mask: torch.Tensor, padding: float) -> torch.Tensor:
    """(B, 4): top, left, bottom, right, in pixels (ends excluded), of the masks (B, H, W).

    padding: share of the image added on each side, within the image. An empty mask gives all.
    """
    import torch

    ends = []
    for dim in (2, 1):
        line = mask.any(dim)  # (B, H), then (B, W)
        length, found = line.shape[1], line.any(1)
        pad, line = int(padding * length), line.to(torch.uint8)
        first = torch.where(found, line.argmax(1) - pad, 0).clamp_min(0)
        last = torch.where(found, length - line.flip(1).argmax(1) + pad, length)
        ends += [first, last.clamp_max(length)]
    top, bottom, left, right = ends
    return torch.stack([top, left, bottom, right], 1)


def cropped(images: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """The part of each image (B, C, H, W) in its `box` (B, 4), enlarged to the full size."""
    import torch
    from torch.nn import functional as F

    height, width = images.shape[-2:]
    top, left, bottom, right = box.to(images.dtype).unbind(1)
    zero = torch.zeros_like(top)
    rows = torch.stack([zero, (bottom - top) / height, (top + bottom) / height - 1], 1)
    columns = torch.stack([(right - left) / width, zero, (left + right) / width - 1], 1)
    grid = F.affine_grid(torch.stack([columns, rows], 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def blanked(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Images (B, C, H, W) with the pixels of the mask (B, H, W) set to 0, the mean colour."""
    return images * ~mask.unsqueeze(1)
