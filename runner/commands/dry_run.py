"""What a run would train: the plan beside what the store holds already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.designs.factor import touched
from runner.records.store import Store
from runner.text import counted, print_json

if TYPE_CHECKING:
    from runner.planning.hours import Hours
    from runner.studies.study import Study


def open_store(study: Study, results: Path) -> Store | None:
    """The store that the plan would add to, if there is one yet; nothing is written.

    Raises BadInput where the task's images are missing, or the study cannot go on there.
    """
    study.identity  # noqa: B018 - a missing data set is said before anything else happens
    if not results.exists() or (results.is_dir() and not (results / "FORMAT").exists()):
        return None
    from runner.records.studies import load_study, study_names
    from runner.studies.recorded import check_extends

    store = Store(results, create=False)
    if study.name in study_names(store):
        check_extends(study, load_study(store, study.name).asked)
    return store


def recorded_level(name: str, results: Path) -> str:
    """How the placebo of the study `name` has its levels in the store; "" where there is none."""
    if not (results / "FORMAT").exists():
        return ""
    from runner.records.studies import load_study, study_names
    from runner.studies.asked import placebo_level

    store = Store(results, create=False)
    return placebo_level(load_study(store, name).asked) if name in study_names(store) else ""


def say_plan(
    study: Study,
    store: Store | None,
    json: bool,
    hours: Callable[[int], Hours],
) -> None:
    """Print the dry run. hours: what so many runs will take."""
    from runner.designs.factor import describe
    from runner.studies.recorded import recorded

    held = recorded(study, store.states(), store.read) if store and not study.tuning else 0
    summary: dict[str, Any] = {
        "study": study.name,
        "task": study.task.name,
        "grid": study.grid,
        "factors": describe(study.factors),
        "arms": study.design.count,
        "excluded": study.design.excluded,
        "runs": study.runs,
        "recorded": held,
        "missing": None if held is None else study.runs - held,
        "seeds": study.seeds,
        "control_seeds": study.design.control_seeds(study.seeds)
        if study.design.control_arm
        else None,
        "settings": dict(study.settings),
        "notes": list(study.notes),
    }
    if held is None:
        summary["reason"] = f"{study.runs:,} runs are too many to look up in the store one by one"
    if study.tuning:
        from runner.launch.tuned import plan_counts

        summary |= plan_counts(study, store)
    if study.looks is not None:
        summary |= {
            "until": study.looks.until,
            "level": study.looks.level,
            "looks": [{"seeds": n, "runs": study.design.total(n)} for n in study.looks.seeds],
        }
    left = to_train(study, store) if study.tuning else summary["missing"]
    predicted = hours(study.runs if left is None else left)
    summary |= predicted.to_json()
    if json:
        print_json(summary)
        return
    print(f"{study.name}: {study.grid} on {study.task.name}")
    for factor in study.factors:
        print(f"  {factor.name}: {', '.join(level.name for level in factor.levels)}")
    varied = {name for f in study.factors for level in f.levels for name in touched(level)}
    for key, value in study.settings.items():
        print(f"  {key} = {value} in all arms{' but those that change it' * (key in varied)}")
    for note in study.notes:
        print(note)
    arms = f"{counted(study.design.count, 'arm')} ({study.design.excluded:,} excluded)"
    print(f"{arms} with {counted(study.seeds, 'seed')}: {counted(study.runs, 'run')}")
    if study.looks is not None:
        looks = " and ".join(f"{n:,}" for n in study.looks.seeds)
        print(f"at most; analysed at {looks} seeds, until {study.looks.until}")
    if study.tuning:
        from runner.launch.tuned import plan_lines

        for line in plan_lines(study, summary):
            print(line)
    held, missing = summary["recorded"], summary["missing"]
    print(summary["reason"] if held is None else f"{held:,} recorded, {missing:,} to train")
    if predicted.runs:
        print(predicted)


def to_train(study: Study, store: Store | None) -> int:
    """Runs that the plan lacks, as far as they are known: none has a record that stands."""
    from runner.launch.tuned import list_runs

    planned, to_choose = list_runs(study, store)
    states = store.states() if store else {}
    lacking = {spec.id for _, spec in planned if states.get(spec.id, "infra") == "infra"}
    return len(lacking) + to_choose
