"""LAWA: the mean of the latest weights, kept at intervals."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.average.ema import blend
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

Weights = list[Any]  # a tensor for each parameter of a network


@dataclass(frozen=True)
class LAWA(Trick):
    """Evaluate the mean of the latest few weights, kept at even intervals.

    The paper keeps the weights of the last six epochs. Here the interval is a share of the training
    (six of 90 epochs), so short and long runs are averaged alike. In the middle of a training the
    mean is dozens of epochs ahead of the weights. After a learning rate that decays to zero there
    is little to gain. Batch norm's statistics are recomputed for the mean before each evaluation,
    over the epoch's images (10,000 at most). Until the first weights are kept, the present weights
    are evaluated. Memory holds a copy of the weights for each one kept.
    """

    name: ClassVar[str] = "lawa"
    source: ClassVar[str] = "Kaddour 2022, arXiv:2209.14981; Sanyal et al. 2023, arXiv:2306.03241"

    kept: int = 6  # weights that are averaged
    share: float = 1 / 15  # share of the training that the kept weights span

    def __post_init__(self) -> None:
        if self.kept < 2:
            raise ValueError(f"kept must be at least 2, not {self.kept}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")

    def edits(self) -> Edits:
        return Edits(sets={"average": self})

    def begin(self, model: torch.nn.Module, steps: int) -> torch.nn.Module:
        """A copy of `model` to hold the mean."""
        averaged = copy.deepcopy(model).requires_grad_(False)
        self._keep(averaged, [])
        return averaged

    def update(
        self, averaged: torch.nn.Module, model: torch.nn.Module, place: int, steps: int
    ) -> None:
        """Keep the weights after step `place` of `steps` if due, and update the mean."""
        import torch

        if (steps - 1 - place) % self.interval(steps):
            if not self.state(averaged):  # nothing is kept yet: evaluate the present weights
                blend(averaged, model, 1.0)
            return
        now = [p.detach().clone() for p in model.parameters()]
        latest = [*self.state(averaged), now][-self.kept :]
        self._keep(averaged, latest)
        with torch.no_grad():
            for mean, *values in zip(averaged.parameters(), *latest, strict=True):
                mean.copy_(torch.stack(values).mean(0))
            for mine, theirs in zip(averaged.buffers(), model.buffers(), strict=True):
                mine.copy_(theirs)

    def interval(self, steps: int) -> int:
        """Steps between two kept weights; the weights of the last step are always kept.

        >>> [LAWA().interval(steps) for steps in (20, 130, 9000)]
        [1, 1, 100]
        """
        return max(1, round(self.share * steps / self.kept))

    def own_statistics(self, place: int, steps: int) -> bool:
        """Whether the average after step `place` contains several weights."""
        return place >= (steps - 1) % self.interval(steps) + self.interval(steps)

    def state(self, averaged: torch.nn.Module) -> list[Weights]:
        """The kept weights, the oldest first, for a checkpoint."""
        latest: list[Weights] = averaged.__dict__["latest"]
        return latest

    def go_on(self, averaged: torch.nn.Module, state: list[Weights]) -> None:
        """Restore the kept weights from `state`, on the device of `averaged`."""
        place = next(averaged.parameters()).device
        self._keep(averaged, [[value.to(place) for value in weights] for weights in state])

    def _keep(self, averaged: torch.nn.Module, latest: list[Weights]) -> None:
        averaged.__dict__["latest"] = latest  # not a buffer, so not evaluated or saved with a model
