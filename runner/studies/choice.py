"""Which value an arm's tuning chooses: the best mean validation accuracy, ties told. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.analysis.metrics.registry import CHOOSES

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """One value of an arm's tuning: its validation accuracies (per cent), a number for each seed.

    diverged: how many of them, the last ones, are chance accuracy in the place of a diverged run.
    missing: runs that failed or are not done yet.
    """

    value: str
    scores: tuple[float, ...]
    diverged: int
    missing: int

    @property
    def mean(self) -> float | None:
        """Mean over the tuning seeds; None while one is missing."""
        whole = self.scores and not self.missing
        return round(math.fsum(self.scores) / len(self.scores), 9) if whole else None


@dataclass(frozen=True)
class Choice:
    """What an arm's tuning came to; `best` is None until the whole budget is spent.

    tied: other values with the same mean. edge: "lowest" or "highest" where the best is the end of
    the range, so that a better one may lie beyond.
    """

    scores: tuple[Score, ...]
    best: str | None
    tied: tuple[str, ...] = ()
    edge: str | None = None


def choose(values: Sequence[str], fixed: str, seeds: int, trials: Iterable[Row]) -> Choice:
    """The value with the best mean validation accuracy after the last epoch.

    trials: rows with value, state, val_accuracy, chance_accuracy; a diverged run counts as chance,
    or 0 where that is not known. Ties go to the value nearest `fixed` (by ratio, where all are
    above 0), then to the first. No choice while a run is missing or failed: budgets are equal.
    """
    held: dict[str, list[tuple[float, bool]]] = {value: [] for value in values}
    for trial in trials:
        outcome = _outcome(trial)
        if outcome is not None and trial["value"] in held:
            held[trial["value"]].append(outcome)
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


def _outcome(trial: Row) -> tuple[float, bool] | None:
    """A trial's validation accuracy and whether it diverged; None for one that tells nothing."""
    state, reached, chance = (trial.get(key) for key in ("state", CHOOSES, "chance_accuracy"))
    if state not in ("ok", "diverged"):
        return None
    if state == "ok" and reached is not None and reached == reached:
        return float(reached), False
    return (float(chance) if chance is not None and chance == chance else 0.0), True


def choices(asked: Row, rows: Iterable[Row]) -> dict[tuple[str, ...], Choice]:
    """Levels of an arm -> its choice.

    asked: `Study.to_toml()` of a tuned study. rows: its runs, each with its row in the study's
    list and, where it has a record, the record's main columns.
    """
    ((field, values),) = asked["tune"].items()
    names = [factor["name"] for factor in asked["factors"]]
    fixed = values[0]
    trials: dict[tuple[str, ...], list[Row]] = {}
    for line in rows:
        if line["stage"] == "fixed":
            fixed = line[field]
        arm = trials.setdefault(tuple(line[name] for name in names), [])
        if line["stage"] == "tuning":
            arm.append({**line, "value": line[field]})
    return {arm: choose(values, fixed, asked["tune_seeds"], found) for arm, found in trials.items()}
