"""The operations of RandAugment and its kin, one for each image of a batch. Torch-free to import.

The operators are torchvision's, and so are the scales that say what a strength means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    import torch

WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
ENHANCEMENTS = ("Brightness", "Color", "Contrast", "Sharpness")
OPERATIONS = (
    "Identity", *WARPS, *ENHANCEMENTS, "Posterize", "Solarize", "AutoContrast", "Equalize",
)  # fmt: skip
SIGNED = frozenset((*WARPS, *ENHANCEMENTS))

LARGEST_TABLE = 2**16  # pixels of an image: above it, tables of warps would fill the memory

Item = tuple[str, float]  # an operation with its signed amount


@dataclass(frozen=True)
class Scale:
    """What strengths 0 to `bins` - 1 mean: evenly from nothing to the value given here."""

    bins: int = 31
    shear: float = 0.3
    translate: float = 150.0 / 331.0  # of the side; pixels if above 1
    rotate: float = 30.0  # degrees
    enhance: float = 0.9  # of brightness, colour, contrast, sharpness: factors 1 - 0.9 to 1 + 0.9
    bits: int = 8  # that posterize keeps at strength 0
    fewer: int = 4  # bits that posterize loses on the way to the last strength

    def amount(self, operation: str, strength: int, height: int, width: int) -> float:
        """What `strength` means to `operation`: a shear, pixels, degrees, a factor, bits."""
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
    """`operation` with its amount at `strength`; `negative` turns the sign of those with one.

    What does the same is the same item, so that images share a call of the operator.
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
        tilt = math.degrees(math.atan(amount))
        still = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
        still["interpolation"] = functional.InterpolationMode(interpolation)
        if operation == "ShearX":
            return functional.affine(images, **{**still, "shear": [tilt, 0.0]}, center=[0, 0])
        if operation == "ShearY":
            return functional.affine(images, **{**still, "shear": [0.0, tilt]}, center=[0, 0])
        if operation == "TranslateX":
            return functional.affine(images, **{**still, "translate": [int(amount), 0]})
        if operation == "TranslateY":
            return functional.affine(images, **{**still, "translate": [0, int(amount)]})
        return functional.rotate(images, amount, interpolation=still["interpolation"])
    if operation == "Brightness":
        return functional.adjust_brightness(images, 1.0 + amount)
    if operation == "Color":
        return functional.adjust_saturation(images, 1.0 + amount)
    if operation == "Contrast":
        return functional.adjust_contrast(images, 1.0 + amount)
    if operation == "Sharpness":
        return functional.adjust_sharpness(images, 1.0 + amount)
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


@lru_cache(maxsize=1024)
def warp_table(
    operation: str, amount: float, height: int, width: int, device: torch.device
) -> torch.Tensor:
    """(H * W,) int32: where each pixel of a warp comes from; H * W stands for black.

    A warp by nearest neighbour is a rearrangement of pixels, so torchvision's operator is asked
    once, with an image that numbers its pixels.
    """
    import torch

    # float32 is exact up to 2**24: images of 4096 x 4096.
    numbers = torch.arange(1, height * width + 1, device=device, dtype=torch.float32)
    source = operate(numbers.view(1, height, width), operation, amount).flatten().int() - 1
    return torch.where(source < 0, height * width, source)


def warp(images: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Image b of (B, C, H, W) with its pixels taken from where `sources[b]` (H * W,) says."""
    import torch

    pixels = torch.nn.functional.pad(images.flatten(2), (0, 1))
    sources = sources.long().unsqueeze(1).expand(-1, images.shape[1], -1)
    return pixels.gather(2, sources).view(images.shape)


def operate_each(
    images: torch.Tensor, items: Sequence[Item], interpolation: str = "nearest"
) -> torch.Tensor:
    """Image b of (B, C, H, W) uint8 under `items[b]`, as torchvision's operator on it alone.

    One call of an operator for each item that occurs; warps by nearest neighbour are one gather.
    Raises BadInput for images of other than 1 or 3 channels.
    """
    import torch

    if images.shape[1] not in (1, 3):
        raise BadInput(f"the operation needs images of 1 or 3 channels, not {images.shape[1]}")
    height, width = images.shape[2:]
    gathered = interpolation == "nearest" and height * width <= LARGEST_TABLE
    places: dict[Item, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(item, []).append(place)
    # Images of one item become neighbours: slices of the sorted batch, put back at the end.
    # Those that need the same treatment stand together too: what is left as it is, then warps.

    def treatment(item: Item) -> int:
        return 0 if item[0] == "Identity" else 1 if gathered and item[0] in WARPS else 2

    order = sorted(places, key=treatment)
    sorted_places = [p for item in order for p in places[item]]
    index = torch.tensor(sorted_places, device=images.device)
    counts = [len(places[item]) for item in order]
    groups = list(images.index_select(0, index).split(counts))
    tables = []
    for i, (operation, amount) in enumerate(order):
        if treatment(order[i]) == 1:
            table = warp_table(operation, amount, height, width, images.device)
            tables += [table] * counts[i]
        elif treatment(order[i]) == 2:
            groups[i] = operate(groups[i], operation, amount, interpolation)
    if tables:
        warps = [i for i, item in enumerate(order) if treatment(item) == 1]
        first, last = warps[0], warps[-1] + 1
        groups[first:last] = [warp(torch.cat(groups[first:last]), torch.stack(tables))]
    out = torch.empty_like(images)
    return out.index_copy_(0, index, torch.cat(groups))
