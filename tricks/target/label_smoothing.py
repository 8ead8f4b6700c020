"""Label smoothing: soft targets instead of certain ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.published import (
    BASELINE,
    Published,
    assembled_cnn,
    bag_of_tricks,
    carrier_of_tricks,
    torchvision_recipe,
)
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def smooth(targets: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Targets (B, K), rows summing to 1, with the mass `epsilon` spread over all K classes.

    The right class keeps 1 - epsilon + epsilon / K (He et al. spread over the other K - 1 only).
    """
    return targets * (1 - epsilon) + epsilon / targets.shape[1]


@dataclass(frozen=True)
class LabelSmoothing(Trick):
    """Spread a little of each target's probability over all classes.

    Helps against overconfidence, most in long trainings with many classes. Training and
    validation loss are not comparable between arms with and without it. The smoothing is done
    once, in the target: mixing and smoothing then commute, and no loss smooths a second time. The
    mass goes to all K classes, as in the paper, torch and timm; He et al. spread it over the other
    K - 1.
    """

    name: ClassVar[str] = "label-smoothing"
    source: ClassVar[str] = "Szegedy et al. 2016, arXiv:1512.00567"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.32),
        assembled_cnn(0.98),
        bag_of_tricks(0.40),
        carrier_of_tricks(-0.90, "added to Adam and warmup"),
        Published(
            0.3, "ImageNet, Inception-v2", "Szegedy et al. 2016, arXiv:1512.00567", BASELINE, None
        ),
        Published(
            -0.1, "CIFAR-10, AlexNet", "Müller et al. 2019, arXiv:1906.02629", BASELINE, None
        ),
    )

    epsilon: float = 0.1  # mass spread over all K classes

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < 1:
            raise ValueError(f"epsilon must be above 0 and below 1, not {self.epsilon}")

    def edits(self) -> Edits:
        return Edits(
            sets={"smoothing": self.epsilon},
            acts=((_sees_targets, "the loss makes targets hard again, or does not look at them"),),
        )


def _sees_targets(recipe: Recipe) -> bool:
    """Whether the loss is another for smoothed targets (an objective may say that it is not)."""
    ask = getattr(recipe.objective, "sees_smoothing", None)
    return ask is None or bool(ask(recipe))
