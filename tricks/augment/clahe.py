"""CLAHE: contrast limited adaptive histogram equalisation of some images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.draws import COLOUR, chance, check_range, check_share, replaced, uniform, where
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

LEVELS = 256
SMALLEST = 8  # smallest side of a tile in pixels: fewer pixels give no useful histogram


def clip(counts: torch.Tensor, limits: torch.Tensor) -> torch.Tensor:
    """Histograms (..., LEVELS) int32 clipped at `limits` (..., 1); the excess goes to all levels.

    The remainder of the division goes to evenly spaced levels, as in OpenCV.
    """
    import torch

    kept = counts.minimum(limits)
    cut = (counts - kept).sum(-1, keepdim=True)
    rest = cut % LEVELS
    step = (LEVELS // rest.clamp(min=1)).clamp(min=1)
    level = torch.arange(LEVELS, device=counts.device)
    more = (level % step == 0) & (level // step < rest)
    return kept + cut // LEVELS + more


def curves(grey: torch.Tensor, limits: torch.Tensor, tiles: int) -> torch.Tensor:
    """Level -> level of each tile of uint8 (B, H, W): (B, tiles * tiles, LEVELS) float32.

    H and W are multiples of `tiles`; `limits` (B,) are multiples of a flat histogram's height.
    """
    import torch

    count, height, width = grey.shape
    tall, wide = height // tiles, width // tiles
    area = tall * wide
    blocks = grey.view(count, tiles, tall, tiles, wide).transpose(2, 3).reshape(-1, area).long()
    counts = torch.zeros(len(blocks), LEVELS, dtype=torch.int32, device=grey.device)
    counts.scatter_add_(1, blocks, torch.ones_like(blocks, dtype=torch.int32))
    limits = limits.to(grey.device, non_blocking=True)
    most = (limits.double() * area / LEVELS).int().clamp(min=1)
    clipped = clip(counts.view(count, -1, LEVELS), most.view(-1, 1, 1))
    share = torch.tensor((LEVELS - 1) / area, dtype=torch.float32)
    return (clipped.cumsum(-1).float() * share).round_().clamp_(0, LEVELS - 1)


def neighbours(pixels: int, tiles: int, length: int) -> tuple[torch.Tensor, ...]:
    """For each of `pixels` the tiles before and after it, and the weight of the second tile."""
    import torch

    place = torch.arange(pixels, dtype=torch.float32) * (1 / length) - 0.5
    before = place.floor()
    weight = place - before
    return before.clamp(min=0).long(), (before + 1).clamp(max=tiles - 1).long(), weight


def equalise(grey: torch.Tensor, limits: torch.Tensor, tiles: int) -> torch.Tensor:
    """uint8 (B, H, W) -> the same shape: each pixel by the curves of the four tiles around it.

    `limits` (B,) are OpenCV's clip limits; `tiles` is the number of tiles per side.
    """
    from torch.nn import functional

    count, height, width = grey.shape
    below, right = -height % tiles, -width % tiles
    whole = functional.pad(grey.float().unsqueeze(1), (0, right, 0, below), mode="reflect")
    whole = whole.squeeze(1).to(grey.dtype)
    tables = curves(whole, limits, tiles).view(count, -1)
    device = grey.device
    tall, wide = whole.shape[1] // tiles, whole.shape[2] // tiles
    rows = [t.to(device, non_blocking=True).view(-1, 1) for t in neighbours(height, tiles, tall)]
    columns = [t.to(device, non_blocking=True).view(1, -1) for t in neighbours(width, tiles, wide)]
    level = grey.long()

    def looked_up(row: int, column: int) -> torch.Tensor:
        index = (rows[row] * tiles + columns[column]) * LEVELS + level
        return tables.gather(1, index.flatten(1)).view(grey.shape)

    y, x = rows[2], columns[2]
    above = looked_up(0, 0) * (1 - x) + looked_up(0, 1) * x
    under = looked_up(1, 0) * (1 - x) + looked_up(1, 1) * x
    return (above * (1 - y) + under * y).round_().clamp_(0, LEVELS - 1).to(grey.dtype)


def clahe(images: torch.Tensor, limits: torch.Tensor, tiles: int) -> torch.Tensor:
    """uint8 (B, C, H, W), each equalised at its own limit (B,); colour: luma alone, chroma kept."""
    from tricks.augment.colours import luma

    side = min(images.shape[2:])
    tiles = min(tiles, max(1, side // SMALLEST))
    grey = luma(images)
    changed = equalise(grey.squeeze(1).to(images.dtype), limits, tiles).unsqueeze(1)
    if images.shape[1] == 1:
        return changed
    return (images + (changed - grey)).clamp_(0, LEVELS - 1).to(images.dtype)


@dataclass(frozen=True)
class Clahe(Trick):
    """Even out the local contrast of some of the images (CLAHE).

    It is for pictures of low contrast: X-rays, microscopy, haze. It amplifies noise in even
    regions. If tiles would have fewer than 8 pixels per side, there are fewer tiles, so an image
    below 16 pixels per side has one histogram. In colour images only the luma is equalised.
    """

    name: ClassVar[str] = "clahe"
    source: ClassVar[str] = (
        "Zuiderveld 1994, Graphics Gems IV; OpenCV's algorithm, Albumentations' ranges"
    )
    stage: ClassVar[int] = COLOUR

    limit: tuple[float, ...] = (1.0, 4.0)  # of contrast: multiples of a flat histogram
    tiles: int = 8  # a side
    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        check_range("limit", self.limit, 0.1, 256)
        if self.tiles < 1:
            raise ValueError(f"tiles must be at least 1, not {self.tiles}")
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them equalised."""
        limits = uniform(self.limit[0], self.limit[1], len(images), generator)
        chosen = chance(self.p, len(images), generator)
        place = where(chosen, images)
        if not len(place):
            return images
        return replaced(images, place, clahe(images[place], limits[chosen], self.tiles))
