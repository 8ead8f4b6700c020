"""run --confirm: the winner of a study again, on fresh seeds, beside what the study had promised.

The best of many arms is lucky as well as good: the best of twelve tricks that do nothing shows
+0.48 pp at one seed. So the winner, chosen on validation, and the baseline are trained on seeds
that no other study draws; the effect there is an honest one, on validation and on test.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records.store import Store
from runner.records.studies import StudyFile, load_study
from runner.studies import Asked, Confirm, from_stored
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas

    from runner.study import Study

CHOOSES = "val_accuracy"
METRICS = (CHOOSES, "accuracy")
SEEDS = 5
SUFFIX = "-confirm"


def confirming(name: str | None, results: Path, changed: bool) -> Asked:
    """The study that runs the winner of `name` (the latest without one) again.

    A study that itself confirms another stands for that one. changed: whether flags were given
    that would make it another study. Raises BadInput if there is no winner.
    """
    if changed:
        raise BadInput(
            "--confirm runs a winner again as it was: only --study, --seeds and --name go with it"
        )
    if name is not None and (name.endswith(".toml") or "/" in name):
        raise BadInput(f"--confirm needs a study with recorded runs, by its name, not {name}")
    store = Store(results, create=False)
    study = load_study(store, name)
    if study.asked.get("confirm"):
        study = load_study(store, study.asked["confirm"]["study"])
    from runner.records.table import table

    file = store.root / "studies" / study.name / "study.toml"
    asked = from_stored(study.asked, file)
    if asked.tune:
        raise BadInput(f"{study.name} tuned each arm: its winner cannot be run again by --confirm")
    found = winner(study, table(store, study))
    return Asked(
        name=f"{study.name}{SUFFIX}",
        task=asked.task,
        grid="add-one",
        tricks=asked.tricks,
        factor=asked.factor,
        levels=asked.levels,
        set=asked.set,
        placebo=asked.placebo,
        seeds=SEEDS,
        confirm=found,
    )


def winner(study: StudyFile, runs: pandas.DataFrame) -> Confirm:
    """The arm with the best mean validation accuracy, and by how much it beat the baseline.

    Arms of which a run diverged or failed, and arms near chance, cannot win. Raises BadInput if
    no arm is better than the baseline.
    """
    from runner.analysis.arms import COLLAPSED

    factors = {factor["name"]: factor["levels"] for factor in study.asked["factors"]}
    if runs.empty:
        raise BadInput(f"the study {study.name} has no recorded runs yet: it has no winner")
    sound = runs.groupby(list(factors))["state"].transform(lambda s: s.eq("ok").all())
    # Chance is unknown in records of other tools: then nothing is near it.
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
            f"the study {study.name} has no winner: every arm but the baseline diverged, failed or "
            f"collapsed, or has no {CHOOSES}"
        )
    best: Any = others[CHOOSES].idxmax()
    row = others.loc[best]
    if baseline is not None and row[CHOOSES] <= baseline[CHOOSES]:
        raise BadInput(
            f"no arm of {study.name} has a better {CHOOSES} than the baseline "
            f"({baseline[CHOOSES]:.2f} %): there is nothing to confirm"
        )
    arm = dict(zip(factors, best if len(factors) > 1 else (best,), strict=True))
    promised = (
        {} if baseline is None else {m: round(float(row[m] - baseline[m]), 4) for m in METRICS}
    )
    return Confirm(
        study=study.name,
        winner={name: level for name, level in arm.items() if level != factors[name][0]},
        promised={metric: value for metric, value in promised.items() if value == value},
    )


def promise_notes(study: StudyFile, runs: pandas.DataFrame) -> list[str]:
    """For each metric what the first study promised, and what the fresh runs say so far."""
    from dataclasses import replace

    from runner.commands.experiments import experiment

    confirm = study.asked["confirm"]
    plain = {key: value for key, value in study.asked.items() if key != "confirm"}
    fresh = experiment(replace(study, asked=plain), runs)
    first = confirm["study"]
    promised = confirm.get("promised") or {}
    if not promised:
        return [f"The winner of {first}, which has no run of the baseline and so promised nothing."]
    return [
        f"{metric}{', which chose it' if metric == CHOOSES else ''}: {first} promised {value:+.2f} "
        f"pp, on fresh seeds {_measured(fresh, metric)}."
        for metric, value in promised.items()
    ]


def _measured(fresh: Any, metric: str) -> str:
    try:
        [effect] = fresh.analyze(metric).to_json()["effects"]
    except BadInput as error:
        return f"nothing can be said yet ({error})"
    if effect["effect"] is None:
        return f"it cannot be estimated ({effect['reason']})"
    said = f"{effect['effect']:+.2f} pp"
    if effect["ci_low"] is None:
        return f"{said}, without an interval ({effect['reason']})"
    return f"{said} (95 % interval {effect['ci_low']:+.2f} to {effect['ci_high']:+.2f})"


def say_promise(plan: Study, results: Path) -> None:
    """Print the promise and what came of it, once there are runs."""
    from runner.records.table import table

    store = Store(results, create=False)
    study = load_study(store, plan.name)
    runs = table(store, study)
    if not runs.empty:
        for note in promise_notes(study, runs):
            print(note)
