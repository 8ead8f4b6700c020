"""MixUp: train on blends of two images and of their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.published import (
    BASELINE,
    Published,
    assembled_cnn,
    bag_of_tricks,
    carrier_of_tricks,
    of_cutmix,
    torchvision_recipe,
)
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def mixup(
    images: torch.Tensor, targets: torch.Tensor, lam: float, permutation: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each image and target with a partner: lam * itself + (1 - lam) * partner.

    images (B, C, H, W) and targets (B, K) float; `permutation` (B,) gives each one's partner.
    """
    return (
        lam * images + (1 - lam) * images[permutation],
        lam * targets + (1 - lam) * targets[permutation],
    )


def draw(alpha: float, count: int, generator: torch.Generator) -> tuple[float, torch.Tensor]:
    """A share lam ~ Beta(alpha, alpha) for the batch, and a partner for each of `count` images.

    torch's Beta takes no generator, so one draw of the generator seeds NumPy's.
    """
    import numpy
    import torch

    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    lam = float(numpy.random.default_rng(int(seed)).beta(alpha, alpha))
    return lam, torch.randperm(count, generator=generator, device=generator.device)


def has_partners(recipe: Recipe) -> bool:
    """Whether a batch has images to mix with."""
    return recipe.batch_size > 1


HAS_PARTNERS = (has_partners, "a batch of one image has no partners")  # see Edits.acts


@dataclass(frozen=True)
class MixUp(Trick):
    """Train on blends of two images, with their targets blended in the same proportion.

    It helps in long trainings of large networks; short trainings may only lose accuracy. Accuracy
    on the blends means nothing: use the clean probe of training images instead. One proportion is
    drawn for each batch.
    """

    name: ClassVar[str] = "mixup"
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.09412"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.12),
        assembled_cnn(0.75, "cumulative, with 200 epochs"),
        bag_of_tricks(0.84),
        carrier_of_tricks(-0.53, "added to Adam and warmup"),
        of_cutmix(1.10),
        Published(
            0.76,
            "CIFAR-10, PyramidNet-200, 300 epochs, best epoch",
            "CutMix paper, arXiv:1905.04899",
            BASELINE,
            3,
        ),
    )

    alpha: float = 0.2  # Beta(alpha, alpha): larger values blend more evenly

    def __post_init__(self) -> None:
        if self.alpha <= 0:
            raise ValueError(f"alpha must be above 0, not {self.alpha}")

    def edits(self) -> Edits:
        return Edits(adds={"mixers": self}, acts=(HAS_PARTNERS,))

    def mix(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """images (B, C, H, W) float, targets (B, K) float -> the same, blended."""
        lam, permutation = draw(self.alpha, len(images), generator)
        return mixup(images, targets, lam, permutation.to(images.device, non_blocking=True))
