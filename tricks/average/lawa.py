"""LAWA: the mean of the latest weights, taken at intervals."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

Weights = list[Any]  # a tensor for each parameter of a network


@dataclass(frozen=True)
class LAWA(Trick):
    """Evaluate the mean of the latest few weights, kept at even intervals.

    The paper keeps those of the last six epochs; here intervals are a share of the training (six
    of 90 epochs), so that short and long runs are averaged alike. It shows in the middle of a
    training, dozens of epochs ahead of the weights themselves; after a learning rate that decays to
    zero little is left to gain. Batch norm's statistics are taken anew for the mean before each
    evaluation, over the epoch's images (10,000 at most). A copy of the weights for each that is
    kept.
    """

    name: ClassVar[str] = "lawa"
    source: ClassVar[str] = "Kaddour 2022, arXiv:2209.14981; Sanyal et al. 2023, arXiv:2306.03241"

    kept: int = 6  # weights that are averaged
    share: float = 1 / 15  # of the training, in which they are kept

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
        """Keep the weights after step `place` of `steps`, if they are due, and take the mean."""
        import torch

        if (steps - 1 - place) % self.interval(steps):
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
        """Steps between two weights that are kept; the last step's are among them.

        >>> [LAWA().interval(steps) for steps in (20, 130, 9000)]
        [1, 1, 100]
        """
        return max(1, round(self.share * steps / self.kept))

    def own_statistics(self, place: int, steps: int) -> bool:
        """Whether what is averaged after step `place` are several weights."""
        return place >= (steps - 1) % self.interval(steps) + self.interval(steps)

    def state(self, averaged: torch.nn.Module) -> list[Weights]:
        """The weights that are kept, the oldest first: of a checkpoint, too."""
        latest: list[Weights] = averaged.__dict__["latest"]
        return latest

    def go_on(self, averaged: torch.nn.Module, state: list[Weights]) -> None:
        """Keep what `state` gave, on the device of `averaged`."""
        place = next(averaged.parameters()).device
        self._keep(averaged, [[value.to(place) for value in weights] for weights in state])

    def _keep(self, averaged: torch.nn.Module, latest: list[Weights]) -> None:
        averaged.__dict__["latest"] = latest  # no buffer: neither evaluated nor saved with a model
