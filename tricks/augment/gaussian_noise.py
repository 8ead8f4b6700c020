"""Gaussian noise on some images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import whole
from tricks.augment.draws import NOISE, chance, check_share, in_pieces, replaced, where
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class GaussianNoise(Trick):
    """Add Gaussian noise to every pixel of some of the images.

    It is for robustness to noise more than for accuracy. Each channel has independent noise. Levels
    are clipped to black and white, so on a black background only half of the noise is visible.
    """

    name: ClassVar[str] = "gaussian-noise"
    source: ClassVar[str] = (
        "Rusak et al. 2020, arXiv:2001.06057 (half of the images); torchvision's std"
    )
    stage: ClassVar[int] = NOISE
    on_cpu: ClassVar[bool] = True  # draws one value per pixel

    std: float = 0.1  # of the range from black to white
    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        check_share("std", self.std)
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them with noise."""
        import torch

        place = where(chance(self.p, len(images), generator), images)
        # Drawn on the generator's device, so every device gets the same noise.
        size = (len(place), *images.shape[1:])
        noise = torch.randn(size, generator=generator, device=generator.device)
        noise = noise.to(images.device, non_blocking=True)

        def act(noise: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
            noisy = noise.mul_(255 * self.std).add_(images.float())
            return whole(noisy.round_().clamp_(0, 255))

        return replaced(images, place, in_pieces(act, noise, images.index_select(0, place)))
