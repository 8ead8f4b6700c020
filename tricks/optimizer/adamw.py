"""AdamW: adaptive steps with decoupled weight decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.published import Published
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class AdamW(Trick):
    """Scale each weight's step by its gradient's history, and decay weights separately.

    It needs another learning rate than SGD: each task has one tuned for AdamW. Decay is multiplied
    by the learning rate (torch's form). The paper multiplies decay by the schedule alone, so its
    decays have another size. All parameters decay, also norms and biases.
    """

    name: ClassVar[str] = "adamw"
    source: ClassVar[str] = "Loshchilov and Hutter 2019, arXiv:1711.05101; torch.optim.AdamW"
    factor: ClassVar[str | None] = "optimizer"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            0.0,
            "ImageNet, ResNet-50, 300 epochs, strong augmentation",
            "Zhou et al. (Win), ICLR 2023, table 2",
            "instead of SGD",
            None,
        ),
        Published(
            -2.3,
            "ImageNet, ResNet-18",
            "Zhou et al. (Win), ICLR 2023, table 1, from earlier work",
            "instead of SGD",
            None,
        ),
    )

    lr: float | None = None  # None: the task's tuned lr
    betas: tuple[float, ...] = (0.9, 0.999)  # memory of the gradient and of its square
    eps: float = 1e-8
    decay: float = 0.01

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        import torch

        first, second = self.betas
        # fused is off by default; it takes a sixth of the time for many small layers on a CPU.
        return torch.optim.AdamW(
            parameters, lr=self.lr or 0.0, betas=(first, second),
            eps=self.eps, weight_decay=self.decay, fused=True,
        )  # fmt: skip
