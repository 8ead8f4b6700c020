"""AugMix: a blend of an image with several chains of mild operations on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.draws import in_pieces
from tricks.augment.in_batches import operate_each
from tricks.augment.operations import OPERATIONS, Item, Scale, item_of
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

SCALE = Scale(bins=10, translate=1 / 3, bits=4)
NAMES = tuple(name for name in OPERATIONS if name != "Identity")
DEEPEST = 3  # most operations of a chain: 1, 2 or 3 are equally likely


def draw_operations(
    severity: int, count: int, height: int, width: int, generator: torch.Generator
) -> list[list[Item]]:
    """DEEPEST lists of `count` operations, applied in turn; shorter chains end in identity."""
    import torch

    def whole(top: int, *size: int) -> list[list[int]]:
        return torch.randint(top, size, generator=generator, device=generator.device).tolist()

    size = (DEEPEST, count)
    depths = whole(DEEPEST, 1, count)[0]
    drawn = zip(whole(len(NAMES), *size), whole(severity, *size), whole(2, *size), strict=True)
    return [
        [
            item_of(SCALE, NAMES[name], strength, bool(negative), height, width)
            if slot <= depth
            else ("Identity", 0.0)
            for depth, name, strength, negative in zip(depths, *rows, strict=True)
        ]
        for slot, rows in enumerate(drawn)
    ]


def draw_weights(alpha: float, count: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """(count, 1 + width) float32: the shares of the image and of its chains in the blend.

    The chains together have a Beta(alpha, alpha) share, divided by Dirichlet(alpha, ...).
    torch's distributions take no generator, so one draw of the generator seeds NumPy's.
    """
    import numpy
    import torch

    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    source = numpy.random.default_rng(int(seed))
    mixed = source.beta(alpha, alpha, size=(count, 1))
    chains = source.dirichlet([alpha] * width, size=count)
    return torch.from_numpy(numpy.hstack([1 - mixed, mixed * chains])).float()


def blend(images: torch.Tensor, chains: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """images (B, C, H, W) and chains (B * M, C, H, W) uint8, weights (B, 1 + M) -> (B, C, H, W).

    The result is the weighted sum, truncated to integers as in torchvision.
    """
    weights = weights.to(images.device, non_blocking=True)[:, :, None, None, None]
    mixed = weights[:, 0] * images
    for i, chain in enumerate(chains.unflatten(0, (len(images), -1)).unbind(1)):
        mixed += weights[:, i + 1] * chain
    return mixed.clamp_(0, 255).to(images.dtype)


@dataclass(frozen=True)
class AugMix(Trick):
    """Blend each image with several chains of mild random operations on it.

    It is for robustness to corruptions more than for accuracy. As in torchvision it only blends,
    without the paper's consistency loss, which gives much of the gain. It costs more than any other
    augmentation here: up to nine operations per image, with bilinear warps. Colour operations do
    not change grey images.
    """

    name: ClassVar[str] = "aug-mix"
    source: ClassVar[str] = "Hendrycks et al. 2020, arXiv:1912.02781; torchvision's AugMix"

    severity: int = 3  # 1 to 10: strengths are below this
    chains: int = 3  # chains of operations per image
    alpha: float = 1.0  # of the Beta and Dirichlet distributions of the blend

    def __post_init__(self) -> None:
        if not 1 <= self.severity <= SCALE.bins:
            raise ValueError(f"severity must be from 1 to {SCALE.bins}, not {self.severity}")
        if self.chains < 1:
            raise ValueError(f"chains must be at least 1, not {self.chains}")
        if self.alpha <= 0:
            raise ValueError(f"alpha must be above 0, not {self.alpha}")

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same shape, each with its own blend."""
        height, width = images.shape[2:]
        weights = draw_weights(self.alpha, len(images), self.chains, generator)
        lists = draw_operations(self.severity, len(images) * self.chains, height, width, generator)

        def act(
            images: torch.Tensor, weights: torch.Tensor, *lists: Sequence[Sequence[Item]]
        ) -> torch.Tensor:
            chains = images.repeat_interleave(self.chains, 0)
            for items in lists:
                chains = operate_each(chains, [item for own in items for item in own], "bilinear")
            return blend(images, chains, weights)

        each = [
            [items[i : i + self.chains] for i in range(0, len(items), self.chains)]
            for items in lists
        ]
        return in_pieces(act, images, weights, *each)
