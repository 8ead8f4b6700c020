"""JPEG: compress some images with loss."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.draws import COMPRESSION, chance, check_range, check_share, replaced, where
from tricks.errors import BadInput
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def compress(images: torch.Tensor, qualities: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W), C is 1 or 3, each encoded and decoded at its quality (B,).

    It uses Pillow, because torchvision's encoder will be removed.
    """
    import torch
    from PIL import Image
    from torchvision.transforms.v2 import functional

    if images.shape[1] not in (1, 3):
        raise BadInput(f"jpeg needs images of 1 or 3 channels, not {images.shape[1]}")
    decoded = []
    for image, quality in zip(images.cpu(), qualities.tolist(), strict=True):
        file = io.BytesIO()
        functional.to_pil_image(image).save(file, "JPEG", quality=quality)
        decoded.append(functional.pil_to_tensor(Image.open(file)))
    return torch.stack(decoded).to(images.device) if decoded else images


@dataclass(frozen=True)
class Jpeg(Trick):
    """Send some of the images through JPEG compression of random quality.

    It is for images that will be compressed in use, and for data whose compression artefacts reveal
    the class. At 8 pixels per side one block is the whole image. It works image by image on the
    CPU.
    """

    name: ClassVar[str] = "jpeg"
    source: ClassVar[str] = "Wang et al. 2020, arXiv:1912.11035"
    stage: ClassVar[int] = COMPRESSION
    on_cpu: ClassVar[bool] = True  # Pillow encodes

    quality: tuple[int, ...] = (30, 100)  # 1 to 100, uniform, both ends included
    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        check_range("quality", self.quality, 1, 100)
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them compressed."""
        import torch

        low, high = self.quality
        qualities = torch.randint(
            low, high + 1, (len(images),), generator=generator, device=generator.device
        )
        chosen = chance(self.p, len(images), generator)
        place = where(chosen, images)
        return replaced(images, place, compress(images[place], qualities[chosen]))
