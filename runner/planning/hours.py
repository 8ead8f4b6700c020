"""The one forecast of hours: by records of like runs, or by a few steps measured now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from runner.planning.costs import SIZE, Costs, Kind, kind, mean_seconds
from runner.records.json_values import canonical_text
from runner.text import counted, duration
from tricks.errors import BadInput
from tricks.recipe import Recipe, to_json

if TYPE_CHECKING:
    from runner.designs.factor import Arm
    from runner.records.run import Spec
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy
    from runner.studies.study import Study

LOOKED_AT = 256  # arms that stand for a larger grid: its first ones have all levels alike; records
MEASURED = 12  # kinds of recipe that are each measured; of more, each trick's alone
AROUND = 0.2  # seconds of a run's process, claim and record, where they were not measured
LONG = 600.0  # seconds from which a grid is said to be long
FEW = 12  # runs: for fewer, a few steps of one stand for all
SAMPLE = 4  # runs of which a few steps are measured
SIZE_TEXT = f"{', '.join(SIZE[:-1])} and {SIZE[-1]}".replace("_", " ")
MEASURE = "--estimate measures a few steps"
SOURCES = {
    "alike": "recorded runs of the same cost",
    "ratios": "recorded runs, each trick's time ratio multiplied",
    "size": f"recorded runs of the same {SIZE_TEXT} with other tricks",
}


@dataclass(frozen=True)
class Hours:
    """Wall and core hours that `runs` will take, `workers` at a time, and their source.

    From the first run's start to the last one's end, without the seconds before. None, with a
    reason, where they are not known.
    """

    runs: int
    workers: int
    wall: float | None = None
    core: float | None = None
    seconds_per_run: float | None = None
    source: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        if self.wall is None or self.core is None:
            return f"hours are not known: {self.reason}"
        time = duration(self.wall * 3600)
        return (
            f"about {time} with {self.workers} worker{'s' * (self.workers > 1)} "
            f"({self.core:,.2f} core-hours, {self.seconds_per_run:,.3g} s a run; by {self.source})"
        )


def standing(study: Study) -> list[RunSpec]:
    """A run of each arm of the study, or of the first ones of a larger grid."""
    return [study.spec(arm, 0) for arm in islice(study.design, LOOKED_AT)]


def by_records(
    study: Study, specs: Sequence[RunSpec], runs: int, workers: int, store: Store | None, gpu: bool
) -> Hours:
    """How long `runs` runs of `study` take, by records on the same images, of the same size.

    specs: runs that stand for all, at least one. gpu: whether they will be on a GPU;
    records of the other kind of machine tell nothing.
    """
    if store is None:
        return Hours(runs, workers, reason=f"no run is recorded yet; {MEASURE}")
    specs = specs[:LOOKED_AT]
    first = [spec.id for _, spec in islice(study.planned(), LOOKED_AT)]
    costs = Costs(_seen(specs[0], first, store, gpu))
    recipes = [spec.recipe for spec in specs]
    none = f"no run of these images with this {SIZE_TEXT} is recorded in {store.root}"
    unknown = Hours(runs, workers, reason=f"{none}; {MEASURE}")
    return _hours(recipes, costs, runs, workers, SOURCES) or unknown


def _seen(
    like: RunSpec, first: Iterable[str], store: Store, gpu: bool
) -> Iterator[tuple[Kind, float]]:
    """Kind and seconds of an epoch of recorded runs on the images of `like`; `first` before."""
    data = canonical_text(like.data)
    states = store.states()
    ids = dict.fromkeys(id for id in (*first, *states) if states.get(id) == "ok")
    for id in islice(ids, LOOKED_AT):
        record = store.record(id)
        if record is None or canonical_text(record.data) != data:
            continue
        recipe, on_gpu = record.recipe, not (record.device or "cpu").startswith("cpu")
        if on_gpu == gpu and recipe is not None and recipe.epochs and record.total_seconds:
            # With what is around training.
            whole = max(record.total_seconds, record.wall_seconds or 0.0)
            yield kind(recipe.values), whole / recipe.epochs


def by_steps(
    study: Study,
    runs: int,
    workers: int,
    device: str,
    plugins: Sequence[str],
    caches: tuple[tuple[int, str], ...] = (),
) -> Hours:
    """How long `runs` runs of `study` take, by a few steps of each kind of recipe, measured now.

    Where there are many kinds, those that differ from the baseline in one level are measured, and
    their ratios multiplied. caches: as of RecipeRun.
    """
    from runner.planning import probe_run
    from runner.tasks.recipe_run import RecipeRun

    arms = list(islice(study.design, LOOKED_AT))
    specs = [study.spec(arm, 0) for arm in measured_arms(study, arms)]
    work = RecipeRun(study.task.name, str(study.data_folder), device, plugins=tuple(plugins))
    work = replace(work.shared_out(workers), caches=caches)
    seconds = probe_run.measured_seconds(specs, work, min(workers, len(specs)))
    seen = [
        (kind(to_json(spec.recipe)), (time + AROUND) / spec.recipe.epochs)
        for spec, time in zip(specs, seconds, strict=True)
    ]
    what = f"a few steps of {len(specs)} recipe{'s' * (len(specs) > 1)}, measured now"
    told = {"alike": what, "ratios": f"{what}, each trick's time ratio multiplied", "size": what}
    recipes = [study.recipe(arm) for arm in arms]
    found = _hours(recipes, Costs(seen), runs, workers, told)
    assert found is not None, "of every size some recipe was measured"
    return found


def _hours(
    recipes: Sequence[Recipe],
    costs: Costs,
    runs: int,
    workers: int,
    sources: Mapping[str, str],
) -> Hours | None:
    mean, how = mean_seconds(costs, recipes)
    if mean is None:
        return None
    rounds = math.ceil(runs / workers)  # no run is split: the last ones leave some workers idle
    threads = sum(recipe.threads for recipe in recipes) / len(recipes)
    return Hours(
        runs, workers, rounds * mean / 3600, runs * mean * threads / 3600, mean, sources[how]
    )


def measured_arms(study: Study, arms: Sequence[Arm]) -> list[Arm]:
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
    first: dict[Kind, Arm] = {}
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


def forecast(study: AnyStudy[Spec], runs: int, seconds: float, workers: int) -> str | None:
    """A sentence on how long `runs` of `seconds` each will take, or None if under ten minutes."""
    total = seconds * max(runs / workers, 1)
    if total <= LONG:
        return None
    each = f"{counted(runs, 'run')} of about {duration(seconds)}, {workers} at a time"
    text = f"this will take about {duration(total)}"
    if runs > 1:
        text += f": {each}"
    arms = _fraction(study)
    if arms:
        sooner = duration(seconds * arms * study.seeds / workers)
        text += f"\n--grid fraction estimates every trick's average effect in about {sooner}"
    return text


def sample(missing: Sequence[RunSpec]) -> list[RunSpec]:
    """The runs that stand for all: the first, or some spread over the grid."""
    if len(missing) < FEW:
        return list(missing[:1])
    return list(missing[:: max(1, len(missing) // SAMPLE)][:SAMPLE])


def _fraction(study: AnyStudy[Spec]) -> int:
    """The arms of the fraction over the same factors; 0 if it is no way out."""
    from runner.designs.fraction import Fraction

    if not study.design.crossed:
        return 0
    try:
        found = Fraction(study.factors, study.design.conflicts)
        found.check()
        return found.count
    except BadInput:
        return 0
