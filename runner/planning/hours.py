"""Predicted hours of a study: by the records of like runs, or by a few steps measured now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from runner.execution.machine import gpus
from runner.planning.costs import Costs, kind, mean_seconds
from runner.text import duration
from tricks.recipe import to_json

if TYPE_CHECKING:
    from runner.designs.factor import Arm
    from runner.records.store import Store
    from runner.studies.study import Study

LOOKED_AT = 256  # arms that stand for a larger grid: its first ones have all levels alike
MEASURED = 12  # kinds of recipe that are each measured; of more, each trick's alone
AROUND = 0.2  # seconds of a run's process, claim and record, where they were not measured
SOURCES = {
    "alike": "recorded runs of the same cost",
    "ratios": "recorded runs, each trick's time ratio multiplied",
    "model": "recorded runs of the same model with other tricks",
}


@dataclass(frozen=True)
class Hours:
    """What `runs` will take, `workers` at a time: wall and core hours, and by what that is known.

    From the first run's start to the last one's end; the seconds before are not in it. None, with
    a reason, where it is not.
    """

    runs: int
    workers: int
    wall: float | None = None
    core: float | None = None
    seconds_per_run: float | None = None
    source: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The keys that `run --dry-run --json` adds."""
        keys: dict[str, Any] = {"predicted_hours": self.wall, "predicted_core_hours": self.core}
        if self.reason is not None:
            keys["predicted_hours_reason"] = self.reason
        return {**keys, "prediction": asdict(self)}

    def __str__(self) -> str:
        if self.wall is None or self.core is None:
            return f"hours are not known: {self.reason}"
        time = duration(self.wall * 3600)
        return (
            f"about {time} with {self.workers} worker{'s' * (self.workers > 1)} "
            f"({self.core:,.2f} core-hours, {self.seconds_per_run:,.3g} s a run; by {self.source})"
        )


def hours_of(
    study: Study,
    store: Store | None,
    workers: int,
    device: str,
    plugins: Sequence[str],
    estimate: bool,
    runs: int,
) -> Hours:
    """What `runs` of the study will take, by records or, to `estimate`, by steps measured now."""
    if not runs:
        return Hours(0, workers, 0.0, 0.0, source="the records: nothing is left")
    if estimate:
        study.task.check(study.data_folder)
        return estimated(study, runs, workers, device, plugins)
    return predicted(study, runs, workers, store, bool(gpus(device)))


def predicted(
    study: Study,
    runs: int,
    workers: int,
    store: Store | None,
    gpu: bool,
) -> Hours:
    """Hours of `runs` of the study by the records of like ones."""
    from runner.planning.forecast import recorded_costs

    arms = list(islice(study.design, LOOKED_AT))
    none = "no run is recorded yet"
    if store is not None:
        none = f"no run of these images and models is recorded in {store.root}"
    unknown = Hours(runs, workers, reason=f"{none}; --estimate measures a few steps")
    if store is None or not arms:
        return unknown
    like = study.spec(arms[0], 0)
    first = [study.spec(arm, seed).id for arm in arms for seed in study.design.seeds(arm, 1)]
    costs = recorded_costs(like, first, store, store.states(), gpu)
    return _hours(study, arms, costs, runs, workers, SOURCES) or unknown


def estimated(
    study: Study,
    runs: int,
    workers: int,
    device: str,
    plugins: Sequence[str],
) -> Hours:
    """Hours of `runs` of the study by a few steps of each kind of recipe, measured now.

    Where there are many kinds, those that differ from the baseline in one level are measured, and
    their ratios multiplied.
    """
    from runner.planning import trial
    from runner.tasks.recipe_run import RecipeRun

    arms = list(islice(study.design, LOOKED_AT))
    specs = [study.spec(arm, 0) for arm in _measured(study, arms)]
    work = RecipeRun(study.task.name, str(study.data_folder), device, plugins=tuple(plugins))
    seconds = trial.measured_seconds(specs, work, min(workers, len(specs)))
    seen = [
        (to_json(spec.recipe), (time + AROUND) / spec.recipe.epochs)
        for spec, time in zip(specs, seconds, strict=True)
    ]
    what = f"a few steps of {len(specs)} recipe{'s' * (len(specs) > 1)}, measured now"
    told = {"alike": what, "ratios": f"{what}, each trick's time ratio multiplied", "model": what}
    found = _hours(study, arms, Costs(seen), runs, workers, told)
    assert found is not None, "of every model some recipe was measured"
    return found


def _hours(
    study: Study,
    arms: Sequence[Arm],
    costs: Costs,
    runs: int,
    workers: int,
    sources: Mapping[str, str],
) -> Hours | None:
    recipes = [to_json(study.recipe(arm)) for arm in arms]
    mean, how = mean_seconds(costs, recipes)
    if mean is None:
        return None
    rounds = math.ceil(runs / workers)  # no run is split: the last ones leave some workers idle
    threads = sum(recipe["threads"] for recipe in recipes) / len(recipes)
    return Hours(
        runs, workers, rounds * mean / 3600, runs * mean * threads / 3600, mean, sources[how]
    )


def _measured(study: Study, arms: Sequence[Arm]) -> list[Arm]:
    """Arms of which each is of another kind, and that hold every part of every arm's kind."""
    kinds = {arm: kind(to_json(study.recipe(arm))) for arm in arms}
    if len(set(kinds.values())) > MEASURED:
        alone = {arm: kind(to_json(study.recipe(arm))) for arm in _alone(study)}
        kinds = {**alone, **kinds}
        parts: set[tuple[str, str]] = set()
        for arm, own in list(kinds.items()):  # those alone first; others for what needs company
            if arm not in alone and own <= parts:
                del kinds[arm]
            parts |= own
    first: dict[Any, Arm] = {}
    for arm, own in kinds.items():
        first.setdefault(own, arm)
    return list(first.values())


def _alone(study: Study) -> Iterator[Arm]:
    """The baseline, and each level of each factor alone on it where that can be."""
    size = len(study.factors)
    for i, factor in enumerate(study.factors):
        for level in range(i > 0, len(factor.levels)):
            arm = (*(0,) * i, level, *(0,) * (size - i - 1))
            if study.design.conflicts.allows(arm):
                yield arm
