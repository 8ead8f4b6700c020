"""Pictures of counterfactual attention's crops and blanks, without a trained network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from runner.images.sources import Resident, Source
from runner.inference.attention import overlay
from runner.inference.sample_pictures import SIDE
from runner.reporting.plots.pictures import PictureRow
from runner.training.batches import View
from runner.training.example_images import arrays, batch
from tricks.target.counterfactual_attention import CounterfactualAttention

MAP = 14  # places per side of a map, as in a ResNet's second to last features at 224 pixels
CAPTIONS = ["image", "stand-in map", "crop", "blanked"]


def detail(images: Tensor) -> Tensor:
    """(B, h, w) float32: the local variation of uint8 images (B, C, H, W).

    It stands for an attention map, which only a trained network has.
    """
    grey = images.float().mean(1, keepdim=True)
    rest = (grey - F.avg_pool2d(grey, 3, 1, 1, count_include_pad=False)).abs()
    side = min(MAP, *images.shape[-2:])
    blurred = F.avg_pool2d(F.adaptive_avg_pool2d(rest, side), 3, 1, 1, count_include_pad=False)
    return (blurred - blurred.amin((2, 3), keepdim=True)).squeeze(1)


def views(trick: CounterfactualAttention, source: Source) -> list[PictureRow]:
    """Each image of `source`, its stand-in map, and the crops and blanks that follow from both."""
    side = 0 if isinstance(source, Resident) else SIDE
    view = View(side, "none", margin=1.0)
    images, _ = batch(source, view, 0)
    maps = detail(images)
    with torch.random.fork_rng(devices=[]):  # the trick draws its thresholds from torch
        torch.manual_seed(0)
        made = trick.views(images / 255 - 0.5, torch.stack([maps, maps], 1))
    made = ((made + 0.5) * 255).round().clamp(0, 255).to(torch.uint8)
    drawn = [overlay(image, map_).numpy() for image, map_ in zip(images, maps, strict=True)]
    columns = (arrays(images), drawn, *map(arrays, made.chunk(2)))
    shown = enumerate(zip(*columns, strict=True), 1)
    return [PictureRow(f"image {number}", list(row), CAPTIONS) for number, row in shown]
