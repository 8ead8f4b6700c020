"""RandAugment: a few random operations of one strength, drawn for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.in_batches import operate_in_turn
from tricks.augment.operations import OPERATIONS, Scale, item_of
from tricks.published import BASELINE, Published
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

SCALE = Scale()  # strengths from 0 to 30


def randaugment(
    images: torch.Tensor, operations: torch.Tensor, negative: torch.Tensor, magnitude: int
) -> torch.Tensor:
    """Each image with its operations at `magnitude`, as torchvision applies them to one image.

    images (B, C, H, W) uint8, C is 1 or 3; `operations` (B, N) int64 indices of OPERATIONS, applied
    from left to right; `negative` (B, N) bool changes the sign of signed amounts.
    Raises BadInput for other numbers of channels.
    """
    height, width = images.shape[2:]
    items = [
        [item_of(SCALE, name, magnitude, sign, height, width) for sign in (False, True)]
        for name in OPERATIONS
    ]
    slots = zip(operations.T.tolist(), negative.T.tolist(), strict=True)
    lists = [[items[o][sign] for o, sign in zip(*slot, strict=True)] for slot in slots]
    return operate_in_turn(images, *lists)


def draw(count: int, num_ops: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """`operations` and `negative`, both (count, num_ops): independent and equally likely."""
    import torch

    size, device = (count, num_ops), generator.device
    operations = torch.randint(len(OPERATIONS), size, generator=generator, device=device)
    return operations, torch.randint(2, size, generator=generator, device=device).bool()


@dataclass(frozen=True)
class RandAugment(Trick):
    """Apply a few random operations (shears, contrast, posterize ...) of one strength per image.

    It helps in long trainings on natural images. `magnitude` is on torchvision's scale from 0 to
    30, where 9 is about a third of the range; timm's scale ends at 10. Every image has its own
    draw. Warps fill with black; colour operations do not change grey images.
    """

    name: ClassVar[str] = "randaugment"
    source: ClassVar[str] = "Cubuk et al. 2020, arXiv:1909.13719; torchvision's operators and scale"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            1.3,
            "ImageNet, ResNet-50, 180 epochs, strength tuned",
            "Cubuk et al. 2020, arXiv:1909.13719; baseline of another paper",
            BASELINE,
            None,
        ),
        Published(
            0.9,
            "CIFAR-10, WRN-28-2, 200 epochs, strength tuned",
            "Cubuk et al. 2020, arXiv:1909.13719",
            "added to Cutout",
            10,
        ),
    )

    num_ops: int = 2  # operations per image
    magnitude: int = 9  # 0 to 30

    def __post_init__(self) -> None:
        if self.num_ops < 1:
            raise ValueError(f"num_ops must be at least 1, not {self.num_ops}")
        if not 0 <= self.magnitude < SCALE.bins:
            raise ValueError(f"magnitude must be from 0 to {SCALE.bins - 1}, not {self.magnitude}")

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each with its own operations and signs."""
        operations, negative = draw(len(images), self.num_ops, generator)
        return randaugment(images, operations, negative, self.magnitude)
