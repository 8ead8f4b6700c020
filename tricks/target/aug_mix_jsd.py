"""AugMix with its consistency loss: predictions on three views of an image should agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.aug_mix import AugMix
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

VIEWS = 3  # the original image and two AugMix views


def jensen_shannon(logits: torch.Tensor) -> torch.Tensor:
    """The mean over images of the divergence between their views; logits (V, B, K).

    Of the probabilities p of V views with the mean m: the mean over views of KL(p || m).
    """
    import torch

    logs = torch.log_softmax(logits.float(), 2)
    middle = torch.logsumexp(logs, 0) - torch.log(logs.new_tensor(len(logs)))
    divergence: torch.Tensor = (logs.exp() * (logs - middle)).sum(2).mean()
    return divergence


@dataclass(frozen=True)
class AugMixJSD(Trick):
    """Train on an image and ask for the same prediction on two AugMix views of it.

    loss = CE(image) + weight · JSD(image, view, view). It is for robustness to corruptions and for
    calibration; in the paper this loss gives much of AugMix's gain on ImageNet-C. The three views
    go through the network as one batch, also for batch norm. A step takes three times as long, and
    each image needs two blends (see aug-mix, which it replaces). Soft targets are used in the first
    term. MixUp and CutMix are conflicts, since mixed images have no three views.
    """

    name: ClassVar[str] = "aug-mix-jsd"
    source: ClassVar[str] = "Hendrycks et al. 2020, arXiv:1912.02781"

    weight: float = 12.0  # of the divergence
    severity: int = 3  # as aug-mix
    chains: int = 3  # as aug-mix
    alpha: float = 1.0  # as aug-mix

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"weight must be above 0, not {self.weight}")
        self._blends()

    def _blends(self) -> AugMix:
        return AugMix(severity=self.severity, chains=self.chains, alpha=self.alpha)

    def edits(self) -> Edits:
        mixed = "three views of a mixed image are not made"
        twice = "it makes the blends itself"
        return Edits(
            sets={"objective": self},
            needs={
                "mixers": ((), mixed),
                "parts": (1, "the views of an image go through the network together"),
                "transforms": (_without_aug_mix, twice),
            },
        )

    def show(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> (3 B, C, H, W): the images, and two blends of each."""
        import torch

        made = [self._blends().apply(images, generator) for _ in range(VIEWS - 1)]
        return torch.cat([images, *made])

    def loss(self, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss: views (3 B, C, H, W), targets (B, K)."""
        from torch.nn import functional as F

        logits = model(x).unflatten(0, (VIEWS, -1))
        return F.cross_entropy(logits[0], y) + self.weight * jensen_shannon(logits)


def _without_aug_mix(transforms: tuple[Trick, ...]) -> bool:
    return all(transform.name != "aug-mix" for transform in transforms)
