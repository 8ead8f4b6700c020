"""Lookahead: slow weights that follow fast ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


class SlowWeights:
    """An optimizer that, every `every` steps, goes back most of the way it came.

    slow = slow + share * (fast - slow);  fast = slow. timm's Lookahead takes the first slow
    weights after `every` steps, and so leaves out the first way back; here they are the initial
    ones, as in the paper.
    """

    def __init__(self, optimizer: Any, every: int, share: float) -> None:
        self.optimizer, self.every, self.share = optimizer, every, share
        self.taken = 0
        self.fast = [p for group in self.param_groups for p in group["params"]]
        self.slow = [p.detach().clone() for p in self.fast]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer inside."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """Take a step of the optimizer inside, and after every so many of them one of the slow."""
        import torch

        loss = self.optimizer.step(closure)
        self.taken += 1
        if self.taken % self.every == 0:
            with torch.no_grad():
                torch._foreach_lerp_(self.slow, self.fast, self.share)
                torch._foreach_copy_(self.fast, self.slow)
        return loss

    def weights(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(parameter, its slow weights): those that are evaluated."""
        return list(zip(self.fast, self.slow, strict=True))

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it: the slow weights and the steps taken."""
        return {"taken": self.taken, "slow": self.slow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.taken = state["taken"]
        for mine, given in zip(self.slow, state["slow"], strict=True):
            mine.copy_(given)


@dataclass(frozen=True)
class Lookahead(Trick):
    """After every few steps go back half of the way, and go on from there.

    Steadier trainings at large learning rates, for a copy of the weights and next to no time. It
    holds any optimizer, whose momentum stays as it is. The slow weights are evaluated, as in the
    authors' code, also where an epoch ends between two ways back; with batch norm's statistics as
    training left them. Beside ema or swa, the average of the fast weights is evaluated.
    """

    name: ClassVar[str] = "lookahead"
    source: ClassVar[str] = "Zhang et al. 2019, arXiv:1907.08610"
    version: ClassVar[int] = 2  # slow weights are evaluated, 1 took the fast ones
    stage: ClassVar[int] = 1  # around SAM, whose two passes are one step

    every: int = 5  # steps
    share: float = 0.5  # of the way that is kept

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every must be at least 1 step, not {self.every}")
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, not {self.share}")

    def edits(self) -> Edits:
        return Edits(adds={"wrappers": self})

    def wrap(self, optimizer: Any) -> SlowWeights:
        """`optimizer`, with slow weights around it."""
        return SlowWeights(optimizer, self.every, self.share)
