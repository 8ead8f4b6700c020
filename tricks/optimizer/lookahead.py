"""Lookahead: slow weights that follow fast ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


class SlowWeights:
    """An optimizer that moves back towards slow weights every `every` steps.

    slow = slow + share * (fast - slow);  fast = slow. The first slow weights are the initial
    weights, as in the paper. timm's Lookahead takes the weights after `every` steps, so it skips
    the first move back.
    """

    def __init__(self, optimizer: Any, every: int, share: float) -> None:
        self.optimizer, self.every, self.share = optimizer, every, share
        self.taken = 0
        self.fast = [p for group in self.param_groups for p in group["params"]]
        self.slow = [p.detach().clone() for p in self.fast]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of the wrapped optimizer."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """Take a step of the wrapped optimizer; every `every` steps update the slow weights."""
        import torch

        loss = self.optimizer.step(closure)
        self.taken += 1
        if self.taken % self.every == 0:
            with torch.no_grad():
                torch._foreach_lerp_(self.slow, self.fast, self.share)
                torch._foreach_copy_(self.fast, self.slow)
        return loss

    def weights(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """(parameter, its slow weights), which are evaluated; none before the first move back."""
        # Until then the slow weights are the initial weights, which are not trained.
        return list(zip(self.fast, self.slow, strict=True)) if self.taken >= self.every else []

    def state_dict(self) -> dict[str, Any]:
        """The slow weights and the number of steps, for a checkpoint."""
        return {"taken": self.taken, "slow": self.slow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of `state_dict`."""
        self.taken = state["taken"]
        for mine, given in zip(self.slow, state["slow"], strict=True):
            mine.copy_(given)


@dataclass(frozen=True)
class Lookahead(Trick):
    """After every few steps move half of the way back, and continue from there.

    It makes trainings at large learning rates more stable, for a copy of the weights and almost no
    time. It wraps any optimizer, whose momentum is not changed. The slow weights are evaluated, as
    in the authors' code, also if an epoch ends between two moves back. Before the first move back
    they are the initial weights, so the fast weights are evaluated. Evaluation uses batch norm's
    statistics from training. With ema or swa, the average of the fast weights is evaluated.
    """

    name: ClassVar[str] = "lookahead"
    source: ClassVar[str] = "Zhang et al. 2019, arXiv:1907.08610"
    version: ClassVar[int] = 2  # version 1 evaluated the fast weights
    stage: ClassVar[int] = 1  # around SAM, whose two passes are one step

    every: int = 5  # steps
    share: float = 0.5  # share of the way that is kept

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
