"""The value that an arm's tuning chooses: the best mean validation accuracy. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.analysis.metrics.registry import CHOOSES

# Main columns of a record: see `runner.records.record.row`.
MainColumns = Mapping[str, str | float | None]


@dataclass(frozen=True)
class Trial:
    """A run of a tuned study and its outcome; None for values without a record.

    arm: its levels. value: of the tuned field. Accuracies on validation images, in per cent.
    """

    stage: str
    arm: tuple[str, ...]
    value: str
    state: str | None = None
    validation: float | None = None
    chance_accuracy: float | None = None

    @classmethod
    def of(cls, stage: str, arm: tuple[str, ...], value: str, row: MainColumns | None) -> Trial:
        """The trial with the outcome in `row`, if there is a row."""
        row = row or {}
        state = row.get("state")
        reached, chance = _number(row.get(CHOOSES)), _number(row.get("chance_accuracy"))
        return cls(stage, arm, value, None if state is None else str(state), reached, chance)


@dataclass(frozen=True)
class Score:
    """One candidate of an arm's tuning: its validation accuracies (per cent), one per seed.

    diverged: number of diverged runs, which stand at the end with chance accuracy. missing: runs
    that failed or are not done yet.
    """

    value: str
    scores: tuple[float, ...]
    diverged: int
    missing: int

    @property
    def mean(self) -> float | None:
        """Mean over the tuning seeds; None while a run is missing."""
        whole = self.scores and not self.missing
        return round(math.fsum(self.scores) / len(self.scores), 9) if whole else None


@dataclass(frozen=True)
class Choice:
    """The result of an arm's tuning; `best` is None until the whole budget is spent.

    tied: other candidates with the same mean. edge: "lowest" or "highest" if the best candidate is
    at the end of the range, so that a better value may lie beyond.
    """

    scores: tuple[Score, ...]
    best: str | None
    tied: tuple[str, ...] = ()
    edge: str | None = None


def choose(values: Sequence[str], fixed: str, seeds: int, trials: Iterable[Trial]) -> Choice:
    """The value with the best mean validation accuracy after the last epoch.

    A diverged run counts as chance accuracy, or as 0 if chance is unknown. Ties go to the value
    nearest to `fixed` (by ratio, if all are above 0), then to the first. There is no choice while a
    run is missing or failed, since all arms have the same budget.
    """
    held: dict[str, list[tuple[float, bool]]] = {value: [] for value in values}
    for trial in trials:
        outcome = _outcome(trial)
        if outcome is not None and trial.value in held:
            held[trial.value].append(outcome)
    for found in held.values():
        found.sort(key=lambda outcome: outcome[1])
    scores = tuple(
        Score(value, tuple(y for y, _ in found), sum(lost for _, lost in found), seeds - len(found))
        for value, found in held.items()
    )
    if any(score.mean is None for score in scores):
        return Choice(scores, None)
    top = max(score.mean or 0.0 for score in scores)
    level = [score.value for score in scores if score.mean == top]
    numbers = [float(value) for value in values]
    place = math.log if min(*numbers, float(fixed)) > 0 else float
    best = min(level, key=lambda value: round(abs(place(float(value)) - place(float(fixed))), 9))
    at = float(best)
    edge = "lowest" if at == min(numbers) else "highest" if at == max(numbers) else None
    return Choice(scores, best, tuple(value for value in level if value != best), edge)


def _outcome(trial: Trial) -> tuple[float, bool] | None:
    """A trial's validation accuracy and whether it diverged; None without an outcome."""
    if trial.state not in ("ok", "diverged"):
        return None
    if trial.state == "ok" and trial.validation is not None:
        return trial.validation, False
    return trial.chance_accuracy or 0.0, True


def _number(cell: str | float | None) -> float | None:
    """A cell of a frame as a number; NaN becomes None."""
    return float(cell) if isinstance(cell, int | float) and not math.isnan(cell) else None


def choices(
    values: Sequence[str], seeds: int, trials: Iterable[Trial]
) -> dict[tuple[str, ...], Choice]:
    """Levels of an arm -> its choice.

    values: the candidates of `--tune`. seeds: of each candidate. trials: all runs of the tuned
    study.
    """
    fixed = values[0]
    arms: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        arm = arms.setdefault(trial.arm, [])
        if trial.stage == "fixed":
            fixed = trial.value
        if trial.stage == "tuning":
            arm.append(trial)
    return {arm: choose(values, fixed, seeds, found) for arm, found in arms.items()}
