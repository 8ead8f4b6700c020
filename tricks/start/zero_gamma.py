"""Zero-gamma: residual branches start at zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.published import BASELINE, Published, goyal
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def silence_branches(model: torch.nn.Module) -> int:
    """Zero, in place, the last weight of each residual branch; returns how many were zeroed.

    timm's blocks define this weight: the gamma of the last norm, or the weight of the last
    convolution if the norm comes first. A norm that replaced batch norm is zeroed in the same way.
    """
    silenced = 0
    for block in model.modules():
        zero_init_last: Any = getattr(block, "zero_init_last", None)
        if callable(zero_init_last):
            weights = [p for name, p in block.named_parameters() if name.endswith("weight")]
            before = sum(not bool(weight.any()) for weight in weights)
            zero_init_last()
            silenced += sum(not bool(weight.any()) for weight in weights) - before
    return silenced


@dataclass(frozen=True)
class ZeroGamma(Trick):
    """Start every residual branch at zero, so that the network begins as a shallow network.

    It helps deep residual networks in the first steps and permits a larger learning rate. It is
    refused for pretrained weights, because it would destroy them. With EvoNorm instead of batch
    norm it can hurt badly.
    """

    name: ClassVar[str] = "zero-gamma"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677; He et al. 2019, arXiv:1812.01187"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        goyal(0.24, BASELINE, "256"),
        goyal(0.37, "added to warmup", "8,192"),
    )

    def edits(self) -> Edits:
        reason = "zeroing the last norm of each branch destroys pretrained weights"
        return Edits(adds={"init": self}, needs={"start": ("scratch", reason)})

    def edit(self, model: torch.nn.Module) -> int:
        """Zero the last weight of each residual branch in place; returns the number of branches.

        Raises BadInput if there is no such weight, or if all are zero already.
        """
        branches = silence_branches(model)
        if not branches:
            raise BadInput(
                f"zero-gamma changes nothing in {type(model).__name__}: it has no residual "
                "branches that end in a norm, or they start at zero already"
            )
        return branches
