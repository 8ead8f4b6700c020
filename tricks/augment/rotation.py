"""Rotation: each image turned by a random angle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import whole
from tricks.augment.draws import check_share, in_pieces, some_of, uniform
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def rotate(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W), each image rotated counter-clockwise by its `degrees` (B,).

    It rotates about the centre with bilinear interpolation and the same size; outside is black.
    """
    import torch
    from torch.nn import functional

    height, width = images.shape[2:]
    angle = degrees.to(images.device, non_blocking=True) * (math.pi / 180)
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # From coordinates of the result to coordinates of the image, both from -1 to 1.
    rows = (
        torch.stack([cos, -sin * (height / width), none], 1),
        torch.stack([sin * (width / height), cos, none], 1),
    )

    def act(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        grid = functional.affine_grid(places, list(images.shape), align_corners=False)
        turned = functional.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)
        return whole(turned.round_().clamp_(0, 255))

    return in_pieces(act, images, torch.stack(rows, 1))


@dataclass(frozen=True)
class Rotation(Trick):
    """Rotate each image by a random angle.

    It is for objects seen at different angles. A 6 rotated far is a 9: keep `degrees` small where
    up has a meaning, or use 180 where it has none (cells, satellites). Corners fill with black.
    Interpolation is bilinear, which blurs small images a little. `before_crop` rotates the whole
    image, so the crop contains less black. This works image by image, at the stored size if the
    crop is random-resized.
    """

    name: ClassVar[str] = "rotation"
    source: ClassVar[str] = "Cireşan et al. 2010, arXiv:1003.0358; torchvision's RandomRotation"

    degrees: float = 15.0  # angles are uniform from -degrees to degrees
    p: float = 1.0  # share of the images
    before_crop: bool = False  # rotate the whole image before the crop

    def __post_init__(self) -> None:
        if not 0 < self.degrees <= 180:
            raise ValueError(f"degrees must be above 0 and at most 180, not {self.degrees}")
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each (or some) turned by its own angle."""
        angles = uniform(-self.degrees, self.degrees, len(images), generator)
        return some_of(self.p, images, generator, rotate, angles)
