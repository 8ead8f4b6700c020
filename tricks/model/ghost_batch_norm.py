"""Ghost batch norm: statistics over parts of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.start.frozen_backbone import TRAINS_BACKBONE
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@cache
def layer_class() -> Any:
    """Batch norm that splits a training batch into parts; defined in a function to avoid torch."""
    import torch
    from torch import Tensor, nn

    class GhostBatchNorm2d(nn.BatchNorm2d):
        def __init__(self, channels: int, part: int, **options: Any) -> None:
            super().__init__(channels, **options)
            self.part = part
            self.parts_taken: int | None = None  # a number: average over all parts since it was 0
            self.act: nn.Module = nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            """(B, C, H, W) -> the same; B // part parts of nearly equal size in training."""
            count = max(1, len(x) // self.part) if self.training else 1
            if count == 1:
                return self.act(self._normed(x))
            return self.act(torch.cat([self._normed(p) for p in x.tensor_split(count)]))

        def _normed(self, x: Tensor) -> Tensor:
            if self.parts_taken is not None:
                self.parts_taken += 1
                self.momentum = 1 / self.parts_taken
            return super().forward(x)

    return GhostBatchNorm2d


@dataclass(frozen=True)
class GhostBatchNorm(Trick):
    """Compute batch norm's statistics over parts of the batch, as if the batch were smaller.

    It brings the noise of small batches, which regularises, to large batches. If `part` does not
    divide the batch, the parts have nearly equal size, at least `part` images each. Running
    statistics use each part in turn, as in the paper. It is slower by the number of parts.
    Pretrained weights and statistics are all kept. For networks with BatchNorm2d.
    """

    name: ClassVar[str] = "ghost-batch-norm"
    source: ClassVar[str] = "Hoffer et al. 2017, arXiv:1705.08741; Composer's card (32 images)"

    part: int = 32  # images

    def __post_init__(self) -> None:
        if self.part < 2:
            raise ValueError(f"part must be at least 2, not {self.part}")

    def edits(self) -> Edits:
        reason = f"two parts of {self.part} images need a batch of {2 * self.part}"
        passes = f"no pass of gradient-accumulation has two parts of {self.part} images"
        return Edits(
            sets={"norm": self},
            needs={"batch_size": (self._divides, reason)},
            acts=(
                (lambda recipe: self._divides(-(-recipe.batch_size // recipe.parts)), passes),
                TRAINS_BACKBONE,
            ),
        )

    def _divides(self, images: int) -> bool:
        return images >= 2 * self.part

    def surgery(self, model: torch.nn.Module) -> int:
        """Replace every batch norm in place and keep its weights; returns how many.

        Raises BadInput if there is no batch norm.
        """
        from torch import nn

        norms = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
        if not norms:
            raise BadInput(f"ghost-batch-norm found no batch norm in {type(model).__name__}")
        for name, norm in norms:
            new = layer_class()(norm.num_features, self.part, eps=norm.eps, momentum=norm.momentum)
            new.load_state_dict(norm.state_dict(), strict=False)
            new.act = getattr(norm, "act", nn.Identity())  # timm's norms may hold one
            model.set_submodule(name, new.to(norm.weight.device).train(norm.training))
        return len(norms)
