"""The operations of RandAugment and similar policies, one per image. Torch-free to import.

The operators and the scales of strengths are torchvision's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tricks.augment.colours import luma, whole
from tricks.augment.warps import sampled

if TYPE_CHECKING:
    import torch

WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
ENHANCEMENTS = ("Brightness", "Color", "Contrast", "Sharpness")
OPERATIONS = (
    "Identity", *WARPS, *ENHANCEMENTS, "Posterize", "Solarize", "AutoContrast", "Equalize",
)  # fmt: skip
SIGNED = frozenset((*WARPS, *ENHANCEMENTS))

LARGEST_TABLE = 2**16  # pixels of an image: larger tables of warps would fill the memory

Item = tuple[str, float]  # an operation with its signed amount


@dataclass(frozen=True)
class Scale:
    """The meaning of strengths 0 to `bins` - 1: linear from no change to the value given here."""

    bins: int = 31
    shear: float = 0.3
    translate: float = 150.0 / 331.0  # share of the side; pixels if above 1
    rotate: float = 30.0  # degrees
    enhance: float = 0.9  # of brightness, colour, contrast, sharpness: factors 1 - 0.9 to 1 + 0.9
    bits: int = 8  # bits that posterize keeps at strength 0
    fewer: int = 4  # bits that posterize loses at the last strength

    def amount(self, operation: str, strength: int, height: int, width: int) -> float:
        """The amount of `operation` at `strength`: a shear, pixels, degrees, a factor, bits."""
        import torch

        side = width if operation == "TranslateX" else height
        pixels = self.translate if self.translate > 1 else self.translate * side
        tops = {
            "ShearX": self.shear, "ShearY": self.shear, "Rotate": self.rotate,
            "TranslateX": pixels, "TranslateY": pixels,
            **dict.fromkeys(ENHANCEMENTS, self.enhance),
        }  # fmt: skip
        if operation in tops:
            return float(torch.linspace(0.0, tops[operation], self.bins)[strength])
        if operation == "Posterize":
            lost = torch.arange(self.bins) / ((self.bins - 1) / self.fewer)
            return float((self.bits - lost).round()[strength])
        if operation == "Solarize":
            return float(torch.linspace(1.0, 0.0, self.bins)[strength])
        return 0.0


@lru_cache(maxsize=4096)
def item_of(
    scale: Scale, operation: str, strength: int, negative: bool, height: int, width: int
) -> Item:
    """`operation` with its amount at `strength`; `negative` changes the sign of signed amounts.

    Equal operations are the same item, so that images share a call of the operator.
    """
    amount = scale.amount(operation, strength, height, width)
    if operation in ("TranslateX", "TranslateY"):
        amount = float(int(amount))  # whole pixels
    if amount == 0 and operation in SIGNED:
        return "Identity", 0.0
    return operation, -amount if negative and operation in SIGNED else amount


def operate(
    images: torch.Tensor, operation: str, amount: float, interpolation: str = "nearest"
) -> torch.Tensor:
    """torchvision's `operation` with the signed `amount` on images (..., C, H, W)."""
    from torchvision.transforms.v2 import functional

    if operation in WARPS:
        batch = images.view(-1, *images.shape[-3:])
        done = sampled(batch, [(operation, amount)] * len(batch), interpolation)
        return done.view(images.shape)
    if operation in ENHANCEMENTS:
        return enhanced(images, operation, amount)
    if operation == "Posterize":
        return functional.posterize(images, int(amount))
    if operation == "Solarize":
        return functional.solarize(images, 255.0 * amount)
    if operation == "AutoContrast":
        return functional.autocontrast(images)
    if operation == "Equalize":
        return functional.equalize(images)
    if operation == "Invert":
        return functional.invert(images)
    return images


def enhanced(images: torch.Tensor, operation: str, amount: float) -> torch.Tensor:
    """One of ENHANCEMENTS on uint8 (..., C, H, W): torchvision's sums in its order, in fewer steps.

    float32 is truncated to whole levels in a faster way, and Sharpness blurs by a sum of integers.
    """
    share = 1.0 + amount
    batch = images.view(-1, *images.shape[-3:])
    levels = batch.float()
    if operation == "Brightness":
        levels.mul_(share)
    elif operation == "Contrast":
        mean = luma(levels).mean((1, 2, 3), keepdim=True)
        levels.mul_(share).add_(mean, alpha=1.0 - share)
    elif operation == "Color":
        grey = luma(levels)
        levels.mul_(share).add_(grey, alpha=1.0 - share)
    else:
        levels.add_(blurred(batch).sub_(levels), alpha=1.0 - share)
    return whole(levels.clamp_(0, 255)).view(images.shape)


def blurred(images: torch.Tensor) -> torch.Tensor:
    """float32 (B, C, H, W) in whole levels: a 3 x 3 mean with weight 5 in the middle; same borders.

    Multiples of 1/13 are never ties, so rounding does not depend on the order of the sum.
    """
    import torch

    out = images.float()
    narrow = images.to(torch.int16)
    sums = narrow[..., :-2] + narrow[..., 1:-1]
    sums += narrow[..., 2:]
    total = sums[..., :-2, :] + sums[..., 1:-1, :]
    total += sums[..., 2:, :]
    total.add_(narrow[..., 1:-1, 1:-1], alpha=4)
    out[..., 1:-1, 1:-1] = total.float().mul_(1 / 13).round_()
    return out
