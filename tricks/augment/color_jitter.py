"""Colour jitter: brightness, contrast, saturation and hue at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import brightness, contrast, hue, saturation
from tricks.augment.draws import (
    COLOUR,
    chance,
    check_share,
    in_pieces,
    replaced,
    uniform,
    where,
)
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

ACTS = (brightness, contrast, saturation, hue)


def draw(
    amounts: tuple[float, ...], count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """int64 (count, 4) orders of ACTS and float32 (count, 4) factors, in the order of ACTS."""
    import torch

    order = torch.rand(count, len(ACTS), generator=generator, device=generator.device).argsort(1)
    *scales, turn = amounts
    factors = [uniform(max(0.0, 1 - a), 1 + a, count, generator) for a in scales]
    return order, torch.stack([*factors, uniform(-turn, turn, count, generator)], 1)


def jitter(images: torch.Tensor, order: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W), each image changed by ACTS in its order (B, 4), by its factors (B, 4).

    An act is skipped if none of its factors changes anything.
    """
    idle = [bool((factors[:, i] == (i < 3)).all()) for i in range(len(ACTS))]

    def some(images: torch.Tensor, order: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        for slot in range(len(ACTS)):
            for i, act in enumerate(ACTS):
                mine = order[:, slot] == i
                place = where(mine, images)
                if idle[i] or not len(place):
                    continue
                if len(place) == len(images):
                    images = act(images, factors[:, i])
                else:
                    changed = act(images.index_select(0, place), factors[mine, i])
                    images = replaced(images, place, changed)
        return images

    return in_pieces(some, images, order, factors)


@dataclass(frozen=True)
class ColorJitter(Trick):
    """Change each image's brightness, contrast, saturation and hue at random, in random order.

    It is for pictures taken under different lights and with different cameras. It hurts where
    colour distinguishes the classes (ripe fruit, stained tissue): set saturation and hue to 0
    there. In grey images only brightness and contrast change. The hue costs the most time.
    """

    name: ClassVar[str] = "color-jitter"
    source: ClassVar[str] = (
        "Howard 2013, arXiv:1312.5402; torchvision's ColorJitter with MoCo v2's amounts"
    )
    stage: ClassVar[int] = COLOUR

    brightness: float = 0.4  # factors are uniform from 1 - brightness to 1 + brightness
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1  # of the colour circle, either way; at most 0.5
    p: float = 1.0  # share of the images

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")
        if not 0 <= self.hue <= 0.5:
            raise ValueError(f"hue must be from 0 to 0.5, not {self.hue}")
        if not any((self.brightness, self.contrast, self.saturation, self.hue)):
            raise ValueError("one of brightness, contrast, saturation, hue must be above 0")
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some or all by their own factors."""
        amounts = (self.brightness, self.contrast, self.saturation, self.hue)
        order, factors = draw(amounts, len(images), generator)
        if self.p == 1:
            return jitter(images, order, factors)
        chosen = chance(self.p, len(images), generator)
        place = where(chosen, images)
        return replaced(images, place, jitter(images[place], order[chosen], factors[chosen]))
