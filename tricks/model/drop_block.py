"""DropBlock: squares of a feature map are dropped while training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.published import Published, assembled_cnn
from tricks.start.frozen_backbone import TRAINS_BACKBONE
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def side(block_size: int, height: int, width: int) -> int:
    """The largest odd number that is at most `block_size` and fits into the map.

    >>> [side(7, n, n) for n in (14, 7, 4, 2, 1)]
    [7, 7, 3, 1, 1]
    """
    fits = min(block_size, height, width)
    return fits - 1 if fits % 2 == 0 else fits


@cache
def layer_class() -> Any:
    """torchvision's drop_block2d, for maps of any size and with a variable rate."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

    class DropBlock2d(nn.Module):
        rate: Tensor  # a tensor: a compiled network would be recompiled for every number

        def __init__(self, block_size: int) -> None:
            super().__init__()
            self.block_size = block_size
            self.register_buffer("rate", torch.zeros(()), persistent=False)  # hold() raises it

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            count, channels, height, width = x.shape
            size = side(self.block_size, height, width)
            places = (height - size + 1, width - size + 1)
            centres = self.rate * (height * width / (size**2 * places[0] * places[1]))
            # The sum is in full precision: half precision overflows, or has only three digits.
            drawn = torch.rand((count, channels, *places), device=x.device) < centres
            squares = F.pad(drawn.float(), [size // 2] * 4)
            kept = 1 - F.max_pool2d(squares, size, stride=1, padding=size // 2)
            return x * (kept * (kept.numel() / (kept.sum() + 1e-6))).to(x.dtype)

    return DropBlock2d


@dataclass(frozen=True)
class DropBlock(Trick):
    """Drop squares of the feature maps of the last two stages while training.

    Neighbouring pixels carry the same information, so dropping single pixels (dropout) removes
    little; dropping squares removes more. The rate grows linearly from 0 to `rate` over the
    training. It helps long trainings of large networks. Each channel draws its own squares, after
    the norm of the 3×3 convolution, as in timm (the paper also drops after every convolution and in
    the shortcuts). timm's layer would drop nearly all of a 7×7 map, because it draws centres over
    the whole map but computes the rate for fewer. So this is torchvision's layer, with a rate that
    a compiled network can change. On a map smaller than the square, the square is the largest odd
    one that fits. In half precision it draws and counts in full precision. For timm's ResNets and
    small-image-resnet50; pretrained weights are all kept.
    """

    name: ClassVar[str] = "drop-block"
    source: ClassVar[str] = "Ghiasi et al. 2018, arXiv:1810.12890; torchvision.ops.drop_block2d"
    # 1 lost all of a map in fp16, and its scale's digits in bf16; 2 drew other squares
    version: ClassVar[int] = 3
    stage: ClassVar[int] = 2
    published: ClassVar[tuple[Published, ...]] = (
        assembled_cnn(0.69, "cumulative, with 270 epochs"),
    )

    rate: float = 0.1  # approximate share of a map that is dropped at the end of the training
    block_size: int = 7  # pixels a side of the square, odd

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must be above 0 and below 1, not {self.rate}")
        if self.block_size < 1 or self.block_size % 2 == 0:
            raise ValueError(f"block_size must be odd and at least 1, not {self.block_size}")

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self}, acts=(TRAINS_BACKBONE,))

    def operate(self, model: torch.nn.Module) -> None:
        """Put layers into the last two stages, in place. Raises BadInput if there is no place."""
        from torch import nn

        late = [getattr(model, name, nn.Identity()) for name in ("layer3", "layer4")]
        blocks = [m for stage in late for m in stage.modules() if hasattr(m, "drop_block")]
        if not blocks:
            raise BadInput(
                f"drop-block found no place for it in {type(model).__name__}: it is for timm's "
                "ResNets and small-image-resnet50"
            )
        for block in blocks:
            block.drop_block = layer_class()(self.block_size)

    def hold(self, model: torch.nn.Module, progress: float) -> None:
        """Set the rate for `progress` (0 to 1) through the training."""
        for module in model.modules():
            if isinstance(module, layer_class()):
                module.rate.fill_(self.rate * progress)
