"""Repeated augmentation: several versions of an image in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, torchvision_recipe
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class RepeatedAugmentation(Trick):
    """Put several copies of each image into a batch, each augmented separately.

    The gradient then includes one image under several augmentations. Epochs keep their length, so
    each epoch uses only a part of the images, a third with 3 repeats. It is for long trainings with
    strong augmentation. Without augmentation the copies are equal, and a batch contains less
    information.
    """

    name: ClassVar[str] = "repeated-augmentation"
    source: ClassVar[str] = (
        "Hoffer et al. 2020, arXiv:1901.09335; Touvron et al. 2021 (DeiT), arXiv:2012.12877"
    )
    published: ClassVar[tuple[Published, ...]] = (torchvision_recipe(0.18),)

    repeats: int = 3  # copies of an image

    def __post_init__(self) -> None:
        if self.repeats < 2:
            raise ValueError(f"repeats must be at least 2, not {self.repeats}")

    def edits(self) -> Edits:
        return Edits(sets={"repeats": self.repeats})
