"""The smallest effect that a study will detect, given the run-to-run sd of recorded runs."""

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
    """The smallest effect that a study detects, and the noise that this assumes.

    effect: in pp, the size at which the least precise effect of the study is detected with
    probability 0.8, at 5 % over all effects. sigma: the assumed sd, in pp. source: of sigma, as
    text. reason: why effect is None.
    """

    effect: float | None = None
    sigma: float | None = None
    source: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.effect is None:
            return f"the smallest effect that it will detect is unknown: {self.reason}"
        return (
            f"smallest effect that it will detect: {self.effect:.2g} pp (80 % power, run-to-run sd "
            f"{self.sigma:.2g} pp: {self.source})"
        )


def detects(study: AnyStudy[Spec], results: Path) -> Detects:
    """The effect that `study` detects with its seeds and the noise of the task's recorded runs."""
    tells = f"{'these runs' if study.check else study.pilot} will show it"
    if not (results / "FORMAT").exists():  # before anything heavy is imported
        return Detects(reason=f"no recorded run shows the run-to-run sd yet; {tells}")
    from runner.planning.pilot_noise import find_sigma

    try:
        sigma = find_sigma(study, results, None)
    except BadInput:
        return Detects(reason=f"no recorded replicates show the run-to-run sd; {tells}")
    effect, reason = _worst(study, sigma.value)
    return Detects(effect, sigma.value, sigma.source, reason)


def in_sds(study: AnyStudy[Spec]) -> float | None:
    """The smallest effect that `study` will detect, in run-to-run sds; None if it detects none."""
    return _worst(study, 1.0)[0]


def _worst(study: AnyStudy[Spec], sigma: float) -> tuple[float | None, str | None]:
    """The detectable size of the least precise effect, or the reason why there is none."""
    from runner.planning.needed import Goal
    from runner.planning.precision import Errors

    goal = Goal("effect", 0.0)
    effects = Errors(study.design).precisions(study.seeds)
    found = [goal.reached(effect.own, sigma, len(effects)) for effect in effects]
    known = [value for value in found if value is not None]
    if len(known) < len(found):
        reasons = (e.own.reason for e, value in zip(effects, found, strict=True) if value is None)
        return None, next(reasons)
    return max(known), None
