"""The winner of a study, and its effect on fresh seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.analysis.metrics.registry import CHOOSES
from runner.records.studies import StoredStudy
from runner.records.study_toml import StoredConfirm
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas

    from runner.analysis.data.experiment import Experiment


METRICS = (CHOOSES, "accuracy")


def winner(stored: StoredStudy, runs: pandas.DataFrame) -> StoredConfirm:
    """The arm with the best mean validation accuracy, and its advantage over the baseline.

    Arms with a diverged or failed run, and arms near chance, cannot win. Raises BadInput if no arm
    is better than the baseline.
    """
    from runner.analysis.data.arms import COLLAPSED

    factors = stored.levels
    if runs.empty:
        raise BadInput(f"the study {stored.name} has no recorded runs yet: it has no winner")
    sound = runs.groupby(list(factors))["state"].transform(lambda s: s.eq("ok").all())
    # Chance is unknown in records of other tools: then no arm is near chance.
    chance = runs["chance_accuracy"].fillna(-COLLAPSED)
    fine = runs[sound & runs[CHOOSES].notna()]
    means = fine.assign(chance=chance).groupby(list(factors))[[*METRICS, "chance"]].mean()
    base: Any = tuple(levels[0] for levels in factors.values())
    base = base if len(factors) > 1 else base[0]
    baseline = means.loc[base] if base in means.index else None
    means = means[means[CHOOSES] > means["chance"] + COLLAPSED]
    others = means[means.index != base]
    if others.empty:
        raise BadInput(
            f"the study {stored.name} has no winner: every arm but the baseline diverged, failed "
            f"or collapsed, or has no {CHOOSES}"
        )
    best: Any = others[CHOOSES].idxmax()
    row = others.loc[best]
    if baseline is not None and row[CHOOSES] <= baseline[CHOOSES]:
        raise BadInput(
            f"no arm of {stored.name} has a better {CHOOSES} than the baseline "
            f"({baseline[CHOOSES]:.2f} %): there is nothing to confirm"
        )
    arm = dict(zip(factors, best if len(factors) > 1 else (best,), strict=True))
    promised = (
        {} if baseline is None else {m: round(float(row[m] - baseline[m]), 4) for m in METRICS}
    )
    return StoredConfirm(
        study=stored.name,
        winner={name: level for name, level in arm.items() if level != factors[name][0]},
        promised={metric: value for metric, value in promised.items() if value == value},
    )


def promise_notes(stored: StoredStudy, runs: pandas.DataFrame) -> list[str]:
    """For each metric, the effect in the first study and the effect on fresh seeds so far."""
    from runner.studies.as_experiment import as_experiment

    confirm = stored.asked.confirm
    assert confirm is not None
    fresh, first = as_experiment(stored, runs), confirm.study
    if not confirm.promised:
        return [
            f"The winner of {first}, which has no run of the baseline, so there is no "
            "promised effect."
        ]
    return [
        f"{metric}{', on which the winner was chosen' if metric == CHOOSES else ''}: {first} "
        f"promised {value:+.2f} pp, on fresh seeds {_measured(fresh, metric)}."
        for metric, value in confirm.promised.items()
    ]


def _measured(fresh: Experiment, metric: str) -> str:
    from runner.analysis.analyze import analyze

    try:
        [effect] = analyze(fresh, metric).effects
    except BadInput as error:
        return f"the effect is not known yet ({error})"
    if effect.effect is None:
        return f"it cannot be estimated ({effect.reason})"
    said = f"{effect.effect:+.2f} pp"
    if effect.ci_low is None:
        return f"{said}, without an interval ({effect.reason})"
    return f"{said} (95 % interval {effect.ci_low:+.2f} to {effect.ci_high:+.2f})"
