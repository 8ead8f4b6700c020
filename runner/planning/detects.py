"""The smallest effect that a study will detect, by the run-to-run sd that the store tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy


@dataclass(frozen=True)
class Detects:
    """effect: in pp, the one that the least sure of the study's effects needs to be detected with
    probability 0.8, at 5 % over all of them. sigma: the sd planned with, in pp. source: its source,
    in words. Where effect is None, `reason` says why.
    """

    effect: float | None = None
    sigma: float | None = None
    source: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.effect is None:
            return f"the smallest effect that it will detect is not known: {self.reason}"
        return (
            f"smallest effect that it will detect: {self.effect:.2g} pp (80 % power, run-to-run sd "
            f"{self.sigma:.2g} pp: {self.source})"
        )


def detects(study: AnyStudy[Spec], results: Path) -> Detects:
    """What `study` will detect, with its seeds and the noise of recorded runs of its task."""
    tells = "these runs do" if study.check else f"{study.pilot} does"
    if not (results / "FORMAT").exists():  # and nothing heavy is imported to say so
        return Detects(reason=f"no run tells the run-to-run sd yet; {tells}")
    from runner.planning.pilot_noise import find_sigma

    try:
        sigma = find_sigma(study, results, None)
    except BadInput:
        return Detects(reason=f"no replicates tell the run-to-run sd; {tells}")
    effect, reason = _worst(study, sigma.value)
    return Detects(effect, sigma.value, sigma.source, reason)


def in_sds(study: AnyStudy[Spec]) -> float | None:
    """The effect that `study` will detect as a multiple of the run-to-run sd; None: none at all."""
    return _worst(study, 1.0)[0]


def _worst(study: AnyStudy[Spec], sigma: float) -> tuple[float | None, str | None]:
    """The effect that is detected of the least sure one, or why there is none."""
    from runner.planning.needed import Goal
    from runner.planning.precision import Errors

    goal = Goal("effect", 0.0)
    effects = Errors(study.design).at(study.seeds)
    found = [goal.reached(effect.own, sigma, len(effects)) for effect in effects]
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        reasons = (e.own.reason for e, value in zip(effects, found, strict=True) if value is None)
        return None, next(reasons)
    return max(known), None
