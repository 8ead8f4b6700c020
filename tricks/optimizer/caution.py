"""Caution: weights move only where the gradient agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

DECAY_APART = {"sgd": False, "adam": False, "adamw": True, "nadamw": True, "lion": True}
LEAST = 1e-3  # share of a tensor's entries that counts as agreeing, at least


class Cautious:
    """An optimizer whose step is left out in every entry that would climb the present gradient.

    What remains of a tensor's step is scaled up by the share that was left. Decay that is apart
    from the gradient acts everywhere.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        kind = type(optimizer).__name__.lower()
        self.decay_apart = DECAY_APART.get(kind, False)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimizer inside."""
        return self.optimizer.param_groups

    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """Take the step of the optimizer inside, where the gradient agrees with it."""
        import torch

        loss = None if closure is None else closure()
        moved, kept = [], []
        with torch.no_grad():
            for group in self.param_groups:
                shrink = group["lr"] * group["weight_decay"] if self.decay_apart else 0.0
                own = [p for p in group["params"] if p.grad is not None]
                moved += own
                kept += [p * (1 - shrink) for p in own]
            self.optimizer.step()
            for p, before in zip(moved, kept, strict=True):
                way = p - before
                agrees = (way * p.grad < 0).to(p.dtype)
                p.copy_(before + way * agrees / agrees.mean().clamp_min(LEAST))
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Nothing outlives a step."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


@dataclass(frozen=True)
class Caution(Trick):
    """Leave out of a step what points against the present gradient.

    Momentum goes on where the gradient has turned already; caution stops it there, and scales up
    what remains of a layer's step. One comparison a weight, and a copy of the weights. For sgd,
    adam, adamw, nadamw and lion. The gradient is that of the loss: sgd's and adam's decay is a
    part of the step that it judges, decay apart from the gradient always acts. The paper reports
    up to 1.47 times fewer steps in language models.
    """

    name: ClassVar[str] = "caution"
    source: ClassVar[str] = "Liang et al. 2024 (Cautious Optimizers), arXiv:2411.16085; timm.optim"
    stage: ClassVar[int] = -1  # the innermost: SAM and lookahead hold the cautious optimizer

    def edits(self) -> Edits:
        reason = f"it is for {', '.join(sorted(DECAY_APART))}"
        return Edits(adds={"wrappers": self}, needs={"optimizer": (_steps_by_momentum, reason)})

    def wrap(self, optimizer: Any) -> Cautious:
        """`optimizer`, stepping where the gradient agrees."""
        return Cautious(optimizer)


def _steps_by_momentum(optimizer: Trick | None) -> bool:
    return optimizer is None or optimizer.name in DECAY_APART
