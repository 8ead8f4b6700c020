"""AutoAugment: a learned policy of pairs of operations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal

from tricks.augment.in_batches import operate_in_turn
from tricks.augment.operations import Item, Scale, item_of
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

SCALE = Scale(bins=10)
Step = tuple[str, float, int]  # operation, probability, strength (0 to 9)


@cache
def pairs(policy: str) -> tuple[tuple[Step, Step], ...]:
    """The 25 pairs of operations of `policy`: imagenet, cifar10 or svhn."""
    from torchvision.transforms import AutoAugment, AutoAugmentPolicy

    found = AutoAugment(AutoAugmentPolicy(policy)).policies
    return tuple(tuple((n, p, s or 0) for n, p, s in pair) for pair in found)  # type: ignore[misc]


def draw(
    policy: str, count: int, height: int, width: int, generator: torch.Generator
) -> tuple[list[Item], list[Item]]:
    """For each of `count` images the first and the second operation of a pair, or identity."""
    import torch

    known = pairs(policy)
    device = generator.device
    chosen = torch.randint(len(known), (count,), generator=generator, device=device).tolist()
    happens = torch.rand(2, count, generator=generator, device=device).tolist()
    negative = torch.randint(2, (2, count), generator=generator, device=device).bool().tolist()
    drawn: tuple[list[Item], list[Item]] = ([], [])
    for slot, items in enumerate(drawn):
        for image, pair in enumerate(chosen):
            name, probability, strength = known[pair][slot]
            if happens[slot][image] < probability:
                items.append(item_of(SCALE, name, strength, negative[slot][image], height, width))
            else:
                items.append(("Identity", 0.0))
    return drawn


@dataclass(frozen=True)
class AutoAugment(Trick):
    """Apply one of 25 learned pairs of operations (shears, equalise, posterize ...) per image.

    It helps in long trainings on images similar to the images for which the policy was learned.
    Warps fill with black; colour operations do not change grey images. The svhn policy inverts
    images, which is for digits that are dark or light.
    """

    name: ClassVar[str] = "auto-augment"
    source: ClassVar[str] = "Cubuk et al. 2019, arXiv:1805.09501; torchvision's AutoAugment"

    policy: Literal["imagenet", "cifar10", "svhn"] = "imagenet"

    def __post_init__(self) -> None:
        if self.policy not in ("imagenet", "cifar10", "svhn"):
            raise ValueError(f"policy must be imagenet, cifar10 or svhn, not {self.policy!r}")

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each under its own pair."""
        height, width = images.shape[2:]
        lists = draw(self.policy, len(images), height, width, generator)
        return operate_in_turn(images, *lists)
