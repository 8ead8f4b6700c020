"""Squeeze-and-excitation: channels weighted by the content of the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.published import Published, assembled_cnn
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def branch_width(block: Any) -> int:
    """The channels of a residual block's branch: the outputs of its last convolution."""
    last = getattr(block, "conv3", None) or block.conv2
    return int(last.out_channels)


@dataclass(frozen=True)
class SqueezeExcite(Trick):
    """Let each residual branch weight its channels by the content of the whole image.

    Each channel of the branch is multiplied by sigmoid(W2 relu(W1 mean)), where mean is the
    branch's mean over the image. It is for the blocks of timm's ResNets (their `se`) and
    small-image-resnet50. ResNet-50 gets about a tenth more parameters, and a step takes some per
    cent more time. Pretrained weights are kept, but the fresh gates halve every branch at first.
    """

    name: ClassVar[str] = "squeeze-excite"
    source: ClassVar[str] = "Hu et al. 2018, arXiv:1709.01507; timm.layers.SEModule"
    published: ClassVar[tuple[Published, ...]] = (assembled_cnn(0.61),)

    reduction: int = 16  # channels of the branch per channel of the gate's inner layer (at least 8)

    def __post_init__(self) -> None:
        if self.reduction < 1:
            raise ValueError(f"reduction must be at least 1, not {self.reduction}")

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self})

    def operate(self, model: torch.nn.Module) -> None:
        """Give every residual block a gate, in place. Raises BadInput if none can have one."""
        from timm.layers import SEModule

        blocks = [m for m in model.modules() if hasattr(m, "se") and hasattr(m, "conv2")]
        blocks = [block for block in blocks if block.se is None]
        if not blocks:
            raise BadInput(
                f"squeeze-excite found no residual block without it in {type(model).__name__}: "
                "it is for timm's ResNets and small-image-resnet50"
            )
        for block in blocks:
            block.se = SEModule(branch_width(block), rd_ratio=1 / self.reduction)
