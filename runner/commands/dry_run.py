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


def open_store(plan: Study, results: Path) -> Store | None:
    """The store that the plan would add to, if there is one yet; nothing is written.

    Raises BadInput where the task's images are missing, or the study cannot go on there.
    """
    plan.identity  # noqa: B018 - a missing data set is said before anything else happens
    if not results.exists() or (results.is_dir() and not (results / "FORMAT").exists()):
        return None
    from runner.records.studies import load_study, study_names
    from runner.studies.recorded import check_extends

    store = Store(results, create=False)
    if plan.name in study_names(store):
        check_extends(plan, load_study(store, plan.name).asked)
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
    plan: Study,
    store: Store | None,
    json: bool,
    hours: Callable[[int], Hours],
) -> None:
    """Print the dry run. hours: what so many runs will take."""
    from runner.designs.factor import describe
    from runner.studies.recorded import recorded

    held = recorded(plan, store.states(), store.read) if store and not plan.tuning else 0
    summary: dict[str, Any] = {
        "study": plan.name,
        "task": plan.task.name,
        "grid": plan.grid,
        "factors": describe(plan.factors),
        "arms": plan.design.count,
        "excluded": plan.design.excluded,
        "runs": plan.runs,
        "recorded": held,
        "missing": None if held is None else plan.runs - held,
        "seeds": plan.seeds,
        "control_seeds": plan.design.control_seeds(plan.seeds) if plan.design.control_arm else None,
        "settings": dict(plan.settings),
        "notes": list(plan.notes),
    }
    if held is None:
        summary["reason"] = f"{plan.runs:,} runs are too many to look up in the store one by one"
    if plan.tuning:
        from runner.launch.tuned import plan_counts

        summary |= plan_counts(plan, store)
    if plan.plan is not None:
        summary |= {
            "until": plan.plan.until,
            "level": plan.plan.level,
            "looks": [{"seeds": n, "runs": plan.design.total(n)} for n in plan.plan.seeds],
        }
    left = to_train(plan, store) if plan.tuning else summary["missing"]
    predicted = hours(plan.runs if left is None else left)
    summary |= predicted.to_json()
    if json:
        print_json(summary)
        return
    print(f"{plan.name}: {plan.grid} on {plan.task.name}")
    for factor in plan.factors:
        print(f"  {factor.name}: {', '.join(level.name for level in factor.levels)}")
    varied = {name for f in plan.factors for level in f.levels for name in touched(level)}
    for key, value in plan.settings.items():
        print(f"  {key} = {value} in all arms{' but those that change it' * (key in varied)}")
    for note in plan.notes:
        print(note)
    arms = f"{counted(plan.design.count, 'arm')} ({plan.design.excluded:,} excluded)"
    print(f"{arms} with {counted(plan.seeds, 'seed')}: {counted(plan.runs, 'run')}")
    if plan.plan is not None:
        looks = " and ".join(f"{n:,}" for n in plan.plan.seeds)
        print(f"at most; analysed at {looks} seeds, until {plan.plan.until}")
    if plan.tuning:
        from runner.launch.tuned import plan_lines

        for line in plan_lines(plan, summary):
            print(line)
    held, missing = summary["recorded"], summary["missing"]
    print(summary["reason"] if held is None else f"{held:,} recorded, {missing:,} to train")
    if predicted.runs:
        print(predicted)


def to_train(plan: Study, store: Store | None) -> int:
    """Runs that the plan lacks, as far as they are known: none has a record that stands."""
    from runner.launch.tuned import list_runs

    planned, to_choose = list_runs(plan, store)
    states = store.states() if store else {}
    lacking = {spec.id for _, spec in planned if states.get(spec.id, "infra") == "infra"}
    return len(lacking) + to_choose
