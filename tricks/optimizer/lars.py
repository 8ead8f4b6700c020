"""LARS: SGD with a step for each layer in proportion to its weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.groups import divide
from tricks.published import Published
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def split_by_rank(parameters: list[Any]) -> list[dict[str, Any]]:
    """Groups in which parameters of rank 0 and 1 (norms, biases) neither decay nor adapt.

    `parameters` are tensors or groups; both parts of a group keep its settings.
    """
    weights, vectors = divide(parameters, lambda p: p.ndim > 1)
    plain = {"weight_decay": 0.0, "always_adapt": False}
    return [*weights, *({**group, **plain} for group in vectors)]


@cache
def optimizer_class() -> Any:
    """The paper's algorithm; defined in a function to avoid importing torch.

    In timm's Lars the lr is outside the velocity.
    """
    import torch

    class LayerwiseSGD(torch.optim.Optimizer):
        """v = momentum * v + lr * ratio * (g + decay * w);  w = w - v."""

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            """Take a step by the present gradients, or by the gradients that `closure` computes."""
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                self._move(group, [p for p in group["params"] if p.grad is not None])
            return loss

        def _move(self, group: dict[str, Any], moved: list[Any]) -> None:
            if not moved:
                return
            for p in moved:
                if "velocity" not in self.state[p]:
                    self.state[p]["velocity"] = torch.zeros_like(p)
            velocity = [self.state[p]["velocity"] for p in moved]
            decay, gradients = group["weight_decay"], [p.grad for p in moved]
            ways = torch._foreach_mul(gradients, group["lr"])
            if decay:
                torch._foreach_add_(ways, moved, alpha=group["lr"] * decay)
            if group["always_adapt"]:
                sizes = torch.stack(torch._foreach_norm(moved))
                slopes = torch.stack(torch._foreach_norm(gradients))
                ratio = group["trust"] * sizes / (slopes + decay * sizes)
                # Weights that are zero, and weights with zero gradient, take plain steps.
                ratio = torch.where((sizes > 0) & (slopes > 0), ratio, 1.0)
                torch._foreach_mul_(ways, list(ratio.unbind()))
            torch._foreach_mul_(velocity, group["momentum"])
            torch._foreach_add_(velocity, ways)
            torch._foreach_sub_(moved, velocity)

    return LayerwiseSGD


@dataclass(frozen=True)
class LARS(Trick):
    """Give each layer a step in proportion to the size of its weights.

    It was made for very large batches; at ordinary batches it is rarely better than SGD. One step
    is v = momentum * v + lr * trust * |w| / (|g| + decay * |w|) * (g + decay * w);  w = w - v,
    with the norms |.| of a whole layer. As in the paper, the velocity includes the learning rate.
    In timm and in this trick's version 1 it does not, which differs while the rate changes.
    Norms and biases take plain SGD steps at the same lr, without decay. Its lr is far above SGD's:
    each task has one tuned for LARS.
    """

    name: ClassVar[str] = "lars"
    source: ClassVar[str] = "You et al. 2017, arXiv:1708.03888, algorithm 1"
    version: ClassVar[int] = 2  # in version 1 the lr was outside the velocity
    factor: ClassVar[str | None] = "optimizer"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            0.0,
            "ImageNet, AlexNet with batch norm, batches of 512",
            "ICLR 2018 submission of its paper",
            "instead of SGD",
            None,
        ),
        Published(
            2.1,
            "ImageNet, AlexNet with batch norm, batches of 8,192",
            "ICLR 2018 submission of its paper",
            "instead of SGD",
            None,
        ),
    )

    lr: float | None = None  # None: the task's tuned lr
    momentum: float = 0.9
    trust: float = 0.001  # length of a step at lr 1, as a share of the layer's norm
    decay: float = 5e-4

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        settings = {
            "lr": self.lr or 0.0, "momentum": self.momentum, "weight_decay": self.decay,
            "trust": self.trust, "always_adapt": True,
        }  # fmt: skip
        built: torch.optim.Optimizer = optimizer_class()(split_by_rank(parameters), settings)
        return built
