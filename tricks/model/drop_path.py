"""Drop path, or stochastic depth: residual branches skipped at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.errors import BadInput
from tricks.start.frozen_backbone import TRAINS_BACKBONE
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

PLACES = ("drop_path", "drop_path1", "drop_path2")  # timm's names of the layers


@dataclass(frozen=True)
class DropPath(Trick):
    """Skip residual branches at random while training, deeper ones more often.

    Block l of L drops its branch for an image with probability rate · l / L. A kept branch is
    scaled up to keep the mean. It helps deep networks in long trainings. It saves no time here,
    since branches are dropped for single images. It is for residual blocks of timm with a drop-path
    layer (ResNets, ConvNeXt, Swin, ViT), whose rate it replaces, and for small-image-resnet50.
    Pretrained weights are all kept. The paper's rate of 0.5 is for over 100 layers.
    """

    name: ClassVar[str] = "drop-path"
    source: ClassVar[str] = "Huang et al. 2016, arXiv:1603.09382; timm.layers.DropPath"
    stage: ClassVar[int] = 2

    rate: float = 0.2  # rate of the last block

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must be above 0 and below 1, not {self.rate}")

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self}, acts=(TRAINS_BACKBONE,))

    def operate(self, model: torch.nn.Module) -> None:
        """Give every residual block its rate, in place. Raises BadInput if there is no place."""
        from timm import layers

        blocks = [m for m in model.modules() if any(hasattr(m, place) for place in PLACES)]
        if not blocks:
            raise BadInput(
                f"drop-path found no residual block with a place for it in {type(model).__name__}"
            )
        for depth, block in enumerate(blocks, 1):
            for place in PLACES:
                if hasattr(block, place):
                    setattr(block, place, layers.DropPath(self.rate * depth / len(blocks)))
