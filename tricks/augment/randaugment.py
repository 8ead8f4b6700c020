"""RandAugment: a few random operations of one strength, drawn anew for each image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from tricks.errors import BadInput
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

BINS = 31  # strengths from 0 to 30, torchvision's scale

WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
OPERATIONS = (
    "Identity", *WARPS, "Brightness", "Color", "Contrast", "Sharpness",
    "Posterize", "Solarize", "AutoContrast", "Equalize",
)  # fmt: skip
SIGNED = frozenset((*WARPS, "Brightness", "Color", "Contrast", "Sharpness"))


def strength(operation: str, magnitude: int, height: int, width: int) -> float:
    """What `magnitude` (0 to 30) means to `operation`: a shear, pixels, degrees, a factor, bits."""
    import torch

    top = {
        "ShearX": 0.3, "ShearY": 0.3, "Rotate": 30.0,
        "TranslateX": 150.0 / 331.0 * width, "TranslateY": 150.0 / 331.0 * height,
        "Brightness": 0.9, "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9,
    }  # fmt: skip
    if operation in top:
        return float(torch.linspace(0.0, top[operation], BINS)[magnitude])
    if operation == "Posterize":
        return float((8 - (torch.arange(BINS) / ((BINS - 1) / 4))).round()[magnitude])
    if operation == "Solarize":
        return float(torch.linspace(1.0, 0.0, BINS)[magnitude])
    return 0.0


def operate(images: torch.Tensor, operation: str, amount: float) -> torch.Tensor:
    """torchvision's `operation` with the signed strength `amount` on images (..., C, H, W)."""
    from torchvision.transforms.v2 import functional

    if operation in WARPS:
        tilt = math.degrees(math.atan(amount))
        still = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
        if operation == "ShearX":
            return functional.affine(images, **{**still, "shear": [tilt, 0.0]}, center=[0, 0])
        if operation == "ShearY":
            return functional.affine(images, **{**still, "shear": [0.0, tilt]}, center=[0, 0])
        if operation == "TranslateX":
            return functional.affine(images, **{**still, "translate": [int(amount), 0]})
        if operation == "TranslateY":
            return functional.affine(images, **{**still, "translate": [0, int(amount)]})
        return functional.rotate(images, angle=amount)
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
    return images


@lru_cache(maxsize=64)
def amounts(magnitude: int, height: int, width: int) -> tuple[float, ...]:
    """Signed strength of each variant 2 * operation + negative; unsigned ones have no negative."""
    found = [strength(operation, magnitude, height, width) for operation in OPERATIONS]
    return tuple(
        -a if negative and name in SIGNED else a
        for name, a in zip(OPERATIONS, found, strict=True)
        for negative in (False, True)
    )


@lru_cache(maxsize=64)
def warp_table(magnitude: int, height: int, width: int, device: torch.device) -> torch.Tensor:
    """(variants, H * W) int64: where each pixel comes from; H * W stands for black.

    At one strength a warp (nearest neighbour) is one rearrangement of pixels, so torchvision's
    operator is asked once, with an image that numbers its pixels.
    """
    import torch

    # float32 is exact up to 2**24: images of 4096 x 4096.
    numbers = torch.arange(1, height * width + 1, device=device, dtype=torch.float32)
    numbers = numbers.view(1, height, width)
    warped = [
        operate(numbers, OPERATIONS[v // 2], amount) if OPERATIONS[v // 2] in WARPS else numbers
        for v, amount in enumerate(amounts(magnitude, height, width))
    ]
    source = torch.stack(warped).flatten(1).long() - 1
    return torch.where(source < 0, height * width, source)


def warp(images: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Image b of (B, C, H, W) with its pixels taken from where `sources[b]` (H * W,) says."""
    import torch

    pixels = torch.nn.functional.pad(images.flatten(2), (0, 1))
    sources = sources.unsqueeze(1).expand(-1, images.shape[1], -1)
    return pixels.gather(2, sources).view(images.shape)


def randaugment(
    images: torch.Tensor, operations: torch.Tensor, negative: torch.Tensor, magnitude: int
) -> torch.Tensor:
    """Each image with its own operations at `magnitude`, as torchvision applies them to one image.

    images (B, C, H, W) uint8, C is 1 or 3; `operations` (B, N) int64 index OPERATIONS, applied
    from left to right; `negative` (B, N) bool turns the sign of those that have one.
    Raises BadInput for other channel counts.
    """
    if images.shape[1] not in (1, 3):
        raise BadInput(f"randaugment needs images of 1 or 3 channels, not {images.shape[1]}")
    for slot in range(operations.shape[1]):
        images = _one_each(images, 2 * operations[:, slot] + negative[:, slot], magnitude)
    return images


def _one_each(images: torch.Tensor, variants: torch.Tensor, magnitude: int) -> torch.Tensor:
    """Image b of (B, C, H, W) under variant `variants[b]`: one operator call for each variant."""
    import torch

    height, width = images.shape[2:]
    # Images of one variant become neighbours: slices of the sorted batch, put back at the end.
    order = variants.argsort(stable=True)
    counts = variants.bincount(minlength=2 * len(OPERATIONS)).tolist()
    order = order.to(images.device)
    groups = list(images.index_select(0, order).split(counts))
    for v, amount in enumerate(amounts(magnitude, height, width)):
        if counts[v] and OPERATIONS[v // 2] not in ("Identity", *WARPS):
            groups[v] = operate(groups[v], OPERATIONS[v // 2], amount)
    first, last = 2 * OPERATIONS.index(WARPS[0]), 2 * OPERATIONS.index(WARPS[-1]) + 2
    begin, end = sum(counts[:first]), sum(counts[:last])
    which = variants.to(images.device).index_select(0, order[begin:end])
    sources = warp_table(magnitude, height, width, images.device).index_select(0, which)
    groups[first:last] = [warp(torch.cat(groups[first:last]), sources)]
    return torch.cat(groups).index_select(0, order.argsort())


def draw(count: int, num_ops: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """`operations` and `negative`, both (count, num_ops): independent and equally likely."""
    import torch

    size, device = (count, num_ops), generator.device
    operations = torch.randint(len(OPERATIONS), size, generator=generator, device=device)
    return operations, torch.randint(2, size, generator=generator, device=device).bool()


@dataclass(frozen=True)
class RandAugment(Trick):
    """Apply a few random operations (shears, contrast, posterize ...) of one strength per image.

    Helps in long trainings on natural images. `magnitude` is on torchvision's scale of 0 to 30,
    where 9 is about a third of the range; timm's scale ends at 10. Every image has its own draw.
    Warps fill with black; colour operations leave grey images as they are.
    """

    name: ClassVar[str] = "randaugment"
    source: ClassVar[str] = "Cubuk et al. 2020, arXiv:1909.13719; torchvision's operators and scale"
    standard: ClassVar[bool] = True

    num_ops: int = 2  # operations an image
    magnitude: int = 9  # 0 to 30

    def __post_init__(self) -> None:
        if self.num_ops < 1:
            raise ValueError(f"num_ops must be at least 1, not {self.num_ops}")
        if not 0 <= self.magnitude < BINS:
            raise ValueError(f"magnitude must be from 0 to {BINS - 1}, not {self.magnitude}")

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each with its own operations and signs."""
        operations, negative = draw(len(images), self.num_ops, generator)
        return randaugment(images, operations, negative, self.magnitude)
