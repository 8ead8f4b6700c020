"""SAM: sharpness-aware minimisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


class Ascent:
    """An optimizer that steps by the gradient at the top of a small climb.

    Let w be all parameters and g their gradient. The step starts from w, with the gradient at
    w + rho * g / |g|.
    """

    def __init__(self, optimizer: Any, rho: float) -> None:
        self.optimizer, self.rho = optimizer, rho

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of the wrapped optimizer."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Take a step; `closure` computes the gradient. Returns the loss before the climb."""
        import torch

        loss = closure()
        with torch.no_grad():
            moved = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
            gradients = [p.grad for p in moved]
            norm = torch.nn.utils.get_total_norm(gradients)
            kept = [p.detach().clone() for p in moved]
            torch._foreach_add_(moved, torch._foreach_mul(gradients, self.rho / (norm + 1e-12)))
        closure()
        with torch.no_grad():
            torch._foreach_copy_(moved, kept)
        self.optimizer.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Empty: there is no state between steps."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Does nothing: there is no state."""


@dataclass(frozen=True)
class SAM(Trick):
    """Step by the gradient at the worst nearby point, to end in a flat minimum.

    Each step takes two forward and backward passes over its batch, so it takes twice the time. It
    helps most in long trainings that fit the training set. Batch norm's running statistics use only
    the first pass, as in the authors' code. Dropout draws again in the second pass, and clipping
    acts on both gradients. It wraps any optimizer. fp16 cannot scale the loss of both passes, so
    use fp32 or bf16.
    """

    name: ClassVar[str] = "sam"
    source: ClassVar[str] = "Foret et al. 2021, arXiv:2010.01412"
    version: ClassVar[int] = 2  # version 1 also updated buffers in the second pass
    stage: ClassVar[int] = 0  # inside lookahead

    rho: float = 0.05  # length of the climb, over all parameters

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        reason = "the loss of its second pass cannot be scaled; bf16 works"
        fits = ("fp32", "tf32", "bf16").__contains__
        return Edits(adds={"wrappers": self}, needs={"precision": (fits, reason)})

    def wrap(self, optimizer: Any) -> Ascent:
        """`optimizer`, stepping by the gradient at the top of the climb."""
        return Ascent(optimizer, self.rho)
