"""Random resized crop: a random part of each image, scaled to the full size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.augment.draws import check_share
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class RandomResizedCrop(Trick):
    """Train on a random part of each image, scaled up to the full size.

    This is Inception's crop, the usual crop for large natural images in long trainings. The area of
    a part is from `scale` to 1 of the image's area, and its width from 3/4 to 4/3 of its height. On
    small images the default cuts down to two of 8 or nine of 32 pixels: raise `scale`, or use
    pad-crop. It works image by image.
    """

    name: ClassVar[str] = "random-resized-crop"
    source: ClassVar[str] = "Szegedy et al. 2015, arXiv:1409.4842; torchvision's RandomResizedCrop"

    scale: float = 0.08  # smallest part, as a share of the area

    def __post_init__(self) -> None:
        check_share("scale", self.scale)

    def edits(self) -> Edits:
        return Edits(sets={"crop": "random-resized", "crop_scale": self.scale})
