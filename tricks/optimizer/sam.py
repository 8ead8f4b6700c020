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
    """An optimizer that steps by the gradient taken at the top of a small climb.

    With w the parameters and g their gradient, all layers together, the gradient that counts is
    the one at w + rho * g / |g|; the step starts from w.
    """

    def __init__(self, optimizer: Any, rho: float) -> None:
        self.optimizer, self.rho = optimizer, rho

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer inside."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Take a step; `closure` computes the gradient anew. The loss is that before the climb."""
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
        """Nothing outlives a step."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


@dataclass(frozen=True)
class SAM(Trick):
    """Step by the gradient at the worst place nearby, to end in a flat minimum.

    Each step takes two forward and backward passes over its batch: twice the time. Helps most in
    long trainings that fit the training set. Batch norm's running statistics take the first pass
    alone, as in the authors' code; dropout draws anew, and clipping acts on both gradients. It
    holds any optimizer.
    Half precision cannot scale the loss of both passes, so it takes fp32 or bf16.
    """

    name: ClassVar[str] = "sam"
    source: ClassVar[str] = "Foret et al. 2021, arXiv:2010.01412"
    version: ClassVar[int] = 2  # buffers are those of the first pass, 1 changed them twice
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
