"""Weight standardisation, with group norm instead of batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.model.evonorm import channels_per_group
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def standardised(convolution: Any) -> torch.nn.Conv2d:
    """timm's StdConv2d with the same weight tensor as `convolution`; draws no random numbers."""
    from timm.layers import StdConv2d

    new = StdConv2d(
        convolution.in_channels, convolution.out_channels, convolution.kernel_size,
        convolution.stride, convolution.padding, convolution.dilation, convolution.groups,
        device="meta",
    )  # fmt: skip
    new.weight = convolution.weight
    return new.train(convolution.training)


@dataclass(frozen=True)
class WeightStandardisation(Trick):
    """Give every filter zero mean and unit variance, with group norm instead of batch norm.

    It uses no batch statistics: on small batches it does as well as batch norm on large batches.
    Convolutions without a bias are standardised, since a norm follows them. For networks with
    BatchNorm2d. Groups have at least `group_size` channels: with few channels on a map of few
    pixels only signs would remain. It is slower than batch norm, most on a CPU. Pretrained
    convolutions are kept (and standardised when used); the norms start with fresh weights.
    """

    name: ClassVar[str] = "weight-standardisation"
    source: ClassVar[str] = "Qiao et al. 2019, arXiv:1903.10520; timm.layers.StdConv2d"

    group_size: int = 16  # channels per group (more if the channels do not divide evenly)

    def __post_init__(self) -> None:
        if self.group_size < 2:
            raise ValueError(f"group_size must be at least 2, not {self.group_size}")

    def edits(self) -> Edits:
        return Edits(sets={"norm": self})

    def surgery(self, model: torch.nn.Module) -> int:
        """Replace batch norms and convolutions in place; returns the number of norms.

        Raises BadInput if there is no batch norm.
        """
        from timm.layers import GroupNormAct
        from torch import nn

        norms = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
        if not norms:
            raise BadInput(f"weight-standardisation found no batch norm in {type(model).__name__}")
        for name, module in list(model.named_modules()):
            # A filter of one weight has no variance.
            if type(module) is nn.Conv2d and module.bias is None and module.weight[0].numel() > 1:
                model.set_submodule(name, standardised(module))
        for name, norm in norms:
            size = channels_per_group(norm.num_features, self.group_size)
            new: Any = GroupNormAct(norm.num_features, group_size=size, apply_act=False)
            new.act = getattr(norm, "act", nn.Identity())  # timm's norms may hold one
            new.drop = getattr(norm, "drop", nn.Identity())
            model.set_submodule(name, new.to(norm.weight.device).train(norm.training))
        return len(norms)
