"""ResNet-D: a shortcut that uses every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.errors import BadInput
from tricks.published import Published, assembled_cnn
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


def shortcuts(model: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, torch.nn.Conv2d]]:
    """(residual block, the strided 1×1 convolution that its `downsample` begins with)."""
    from torch import nn

    for block in model.modules():
        path = getattr(block, "downsample", None)
        first = path[0] if isinstance(path, nn.Sequential) and len(path) else None
        if isinstance(first, nn.Conv2d) and max(first.stride) > 1 and max(first.kernel_size) == 1:
            yield block, first


@dataclass(frozen=True)
class ResNetD(Trick):
    """Average-pool in front of the shortcut's 1×1 convolution instead of skipping pixels.

    A 1×1 convolution of stride 2 ignores three of four pixels. The pooling costs almost nothing. It
    is for residual blocks with a `downsample` as in timm's ResNet. ResNet-50 of timm, torchvision
    and tricks-bench is already ResNet-B (the stride is in the 3×3 convolution). The paper's full
    ResNet-D also has the stem of resnet-c. Pretrained weights are all kept, but their inputs are
    averaged.
    """

    name: ClassVar[str] = "resnet-d"
    source: ClassVar[str] = "He et al. 2019, arXiv:1812.01187; timm's avg_down"
    published: ClassVar[tuple[Published, ...]] = (assembled_cnn(0.50),)

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self})

    def operate(self, model: torch.nn.Module) -> None:
        """Edit every shortcut that skips pixels, in place. Raises BadInput if there is none."""
        from torch import nn

        found = list(shortcuts(model))
        if not found:
            raise BadInput(
                f"resnet-d found no shortcut with a strided 1×1 convolution in "
                f"{type(model).__name__}: it is for ResNets that do not average there already"
            )
        for block, convolution in found:
            stride = convolution.stride
            # A map of odd size keeps its last row and column, as in the 3×3 convolution.
            pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)  # type: ignore[arg-type]
            convolution.stride = (1, 1)
            block.downsample = nn.Sequential(pool, *block.downsample)  # type: ignore[misc]
