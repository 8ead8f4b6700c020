"""Pictures of a network's attention maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from runner.images.sources import Source
from runner.inference.prediction import splits_of
from runner.reporting.plots.pictures import PictureRow
from runner.training.evaluation import as_input, seen
from runner.training.saved import Card
from tricks.target.attention_head import attention_head, attention_maps

STRONGEST = 4  # maps of an image that are drawn separately


def overlay(image: Tensor, map_: Tensor) -> Tensor:
    """uint8 (H, W, 3): `image` (C, H, W), darkened where the enlarged `map_` (h, w) is low.

    Pixels keep their brightness at the map's maximum, and a quarter of it where the map is 0.
    """
    large = F.interpolate(map_[None, None].float(), image.shape[-2:], mode="bilinear")[0, 0]
    light = 0.25 + 0.75 * large / large.max().clamp_min(1e-12)
    return _plain(image.float() * light)


def _plain(image: Tensor) -> Tensor:
    return image.round().to(torch.uint8).expand(3, -1, -1).permute(1, 2, 0)


@torch.no_grad()
def looked(model: nn.Module, card: Card, source: Source, labels: list[str]) -> list[PictureRow]:
    """Each image with the mean of its attention maps, and with the maps of the largest sums.

    labels: of the rows. Raises BadInput for a model without attention maps.
    """
    attention_head(model)
    splits = splits_of(source, card)
    rows: list[PictureRow] = []
    for images, _ in seen(source, card.recipe, torch.device("cpu")):
        maps = attention_maps(model.eval(), as_input(images, splits, card.recipe)).float()
        for image, own in zip(images, maps, strict=True):
            order = own.sum((1, 2)).argsort(descending=True)[:STRONGEST].tolist()
            shown = [own.mean(0), *own[order]]
            pictures = [_plain(image), *(overlay(image, one) for one in shown)]
            captions = ["image", "mean", *(f"map {i + 1}" for i in order)]
            rows.append(PictureRow(labels[len(rows)], [p.numpy() for p in pictures], captions))
    return rows
