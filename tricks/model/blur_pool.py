"""Blur pool: a blur before every second pixel is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.model.resnet_d import shortcuts
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BlurPool(Trick):
    """Blur before downsampling, so that a shift of the image changes the output less.

    A strided convolution of a branch gets stride 1, and a blur after its activation. A strided
    shortcut gets a blur before its 1×1 convolution, unless resnet-d pools it already. A strided
    max pooling gets stride 1 and a blur. The stem's convolution keeps its stride, as in the
    paper. It is for the blocks of timm's ResNets (their `aa`) and small-image-resnet50. The
    strided convolutions cost four times as much. Edges are replicated (the paper reflects them),
    so maps of one pixel work. Pretrained weights are all kept, but their inputs are blurred.
    """

    name: ClassVar[str] = "blur-pool"
    source: ClassVar[str] = "Zhang 2019, arXiv:1904.11486; timm.layers.BlurPool2d"
    stage: ClassVar[int] = 1  # after resnet-d, which changes the shortcuts

    size: int = 3  # pixels a side of the binomial filter

    def __post_init__(self) -> None:
        if self.size not in (3, 5):
            raise ValueError(f"size must be 3 or 5, not {self.size}")

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self})

    def layer(self, channels: int, stride: int) -> torch.nn.Module:
        """(B, channels, H, W) -> (B, channels, ⌈H/stride⌉, ⌈W/stride⌉)."""
        from timm.layers import BlurPool2d

        return BlurPool2d(channels, filt_size=self.size, stride=stride, pad_mode="replicate")

    def operate(self, model: torch.nn.Module) -> None:
        """Edit every downsampling in place. Raises BadInput if no residual block has one."""
        from torch import nn

        found = 0
        for block in model.modules():
            free: Any = getattr(block, "aa", None)
            for name in ("conv1", "conv2") if isinstance(free, nn.Identity) else ():
                convolution: Any = getattr(block, name, None)
                if isinstance(convolution, nn.Conv2d) and max(convolution.stride) > 1:
                    block.aa = self.layer(convolution.out_channels, convolution.stride[0])
                    convolution.stride = (1, 1)
                    found += 1
        if not found:
            raise BadInput(
                f"blur-pool found no residual block that downsamples in {type(model).__name__}: "
                "it is for timm's ResNets and small-image-resnet50"
            )
        for block, convolution in list(shortcuts(model)):
            blur = self.layer(convolution.in_channels, convolution.stride[0])
            convolution.stride = (1, 1)
            block.downsample = nn.Sequential(blur, *block.downsample)  # type: ignore[misc]
        pooling: Any = getattr(model, "maxpool", None)
        if isinstance(pooling, nn.MaxPool2d) and pooling.stride == 2:
            channels = model.layer1[0].conv1.in_channels  # type: ignore[index, union-attr]
            dense = nn.MaxPool2d(pooling.kernel_size, 1, pooling.padding)
            model.maxpool = nn.Sequential(dense, self.layer(channels, 2))
