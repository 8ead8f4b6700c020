"""ResNet-C: a stem of three small convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ResNetC(Trick):
    """Replace the wide convolution of the stem by three 3×3 convolutions.

    The first two have half the channels. The first keeps the old stride, so small-image-resnet50
    (a stem of one 3×3 convolution with stride 1) gets three with stride 1. It is for networks with
    timm's ResNet stem (conv1, bn1, act1). A step takes some per cent more time. Pretrained weights
    of the stem are lost, and later layers depend on them: train from scratch.
    """

    name: ClassVar[str] = "resnet-c"
    source: ClassVar[str] = "He et al. 2019, arXiv:1812.01187; timm's stem_type='deep'"

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self})

    def operate(self, model: torch.nn.Module) -> None:
        """Replace `conv1` in place. Raises BadInput if it is no single convolution."""
        from torch import nn

        stem, norm, activation = (getattr(model, n, None) for n in ("conv1", "bn1", "act1"))
        if not (isinstance(stem, nn.Conv2d) and norm is not None and activation is not None):
            raise BadInput(
                f"resnet-c found no stem of one convolution in {type(model).__name__}: it is for "
                "ResNets with conv1, bn1 and act1, not for one that has a deep stem already"
            )
        wide, narrow = stem.out_channels, max(1, stem.out_channels // 2)
        plain: dict[str, Any] = {"kernel_size": 3, "padding": 1, "bias": False}
        layers = nn.Sequential(
            nn.Conv2d(stem.in_channels, narrow, stride=stem.stride, **plain),  # type: ignore[arg-type]
            type(norm)(narrow),
            type(activation)(inplace=True),
            nn.Conv2d(narrow, narrow, **plain),
            type(norm)(narrow),
            type(activation)(inplace=True),
            nn.Conv2d(narrow, wide, **plain),
        )
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        model.conv1 = layers
