"""Pretrained: start from weights learned on another data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, carrier_of_tricks
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Pretrained(Trick):
    """Start from timm's weights for the model; only the head has random weights.

    It helps most if training images are few and look like ImageNet's images. It needs a model of
    timm, whose weights are downloaded once, and a lower learning rate than a fresh network: try
    lr_scale 0.1. For grey images timm sums the stem's weights over the colours.
    """

    name: ClassVar[str] = "pretrained"
    source: ClassVar[str] = "Kornblith et al. 2019, arXiv:1805.08974; weights of timm"
    published: ClassVar[tuple[Published, ...]] = (
        carrier_of_tricks(2.60, "added to random weights"),
    )

    def edits(self) -> Edits:
        return Edits(sets={"start": "pretrained"})
