"""The forecast of hours, from records of similar runs or from a few steps measured now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from runner.designs.add_one import AddOne
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
    from runner.tasks.recipe_run import RecipeRun

# Arms that stand for a larger grid, as its first arms use all levels evenly; also records.
LOOKED_AT = 256
MEASURED = 12  # up to so many kinds of recipe are all measured; of more, each trick alone
AROUND = 0.2  # seconds for a run's process, claim and record, if they were not measured
LONG = 600.0  # seconds; a grid is long from here on
FEW = 12  # runs: in a smaller grid one measured run stands for all
SAMPLE = 4  # runs that are measured for a few steps
SIZE_TEXT = f"{', '.join(SIZE[:-1])} and {SIZE[-1]}".replace("_", " ")
MEASURE = "--estimate measures a few steps"
SOURCES = {
    "alike": "recorded runs of the same cost",
    "ratios": "recorded runs, as the product of the tricks' time ratios",
    "size": f"recorded runs of the same {SIZE_TEXT} with other tricks",
}


@dataclass(frozen=True)
class Hours:
    """Wall and core hours of `runs` runs, `workers` in parallel, and the source of the numbers.

    From the start of the first run to the end of the last, without preparations. None, with a
    reason, if unknown.
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
    """A run of each arm of the study, or of the first arms of a larger grid."""
    return [study.spec(arm, 0) for arm in islice(study.design, LOOKED_AT)]


def by_records(
    study: Study, specs: Sequence[RunSpec], runs: int, workers: int, store: Store | None, gpu: bool
) -> Hours:
    """The hours of `runs` runs of `study`, from records on the same images at the same size.

    specs: runs that stand for all, at least one. gpu: whether they will use a GPU; only records of
    the same kind of machine count.
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
    """Kind and seconds per epoch of recorded runs on the images of `like`, `first` ids first."""
    data = canonical_text(like.data)
    states = store.states()
    ids = dict.fromkeys(id for id in (*first, *states) if states.get(id) == "ok")
    for id in islice(ids, LOOKED_AT):
        record = store.record(id)
        if record is None or canonical_text(record.data) != data:
            continue
        recipe, on_gpu = record.recipe, not (record.device or "cpu").startswith("cpu")
        if on_gpu == gpu and recipe is not None and recipe.epochs and record.total_seconds:
            # Includes the seconds around the training.
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
    """The hours of `runs` runs of `study`, from a few steps of each kind of recipe measured now.

    If there are many kinds, only kinds that differ from the baseline in one level are measured, and
    their ratios are multiplied. caches: see RecipeRun.
    """
    from runner.planning import probe_run

    arms, specs = to_measure(study)
    work = measuring(study, workers, device, plugins, caches)
    seconds = probe_run.measured_seconds(specs, work, min(workers, len(specs)))
    seen = [
        (kind(to_json(spec.recipe)), (time + AROUND) / spec.recipe.epochs)
        for spec, time in zip(specs, seconds, strict=True)
    ]
    what = f"a few steps of {len(specs)} recipe{'s' * (len(specs) > 1)}, measured now"
    told = {
        "alike": what,
        "ratios": f"{what}, as the product of the tricks' time ratios",
        "size": what,
    }
    recipes = [study.recipe(arm) for arm in arms]
    found = _hours(recipes, Costs(seen), runs, workers, told)
    assert found is not None, "some recipe of every size was measured"
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
    threads = sum(recipe.threads for recipe in recipes) / len(recipes)
    return in_rounds(runs, workers, mean, sources[how], threads)


def in_rounds(runs: int, workers: int, seconds: float, source: str, threads: float = 1.0) -> Hours:
    """The hours of `runs` runs of `seconds` each, on `threads` cores each."""
    # Runs cannot be split: during the last runs some workers are idle.
    wall = math.ceil(runs / workers) * seconds / 3600
    return Hours(runs, workers, wall, runs * seconds * threads / 3600, seconds, source)


def none_left(workers: int) -> Hours:
    """The hours of no run."""
    return Hours(0, workers, 0.0, 0.0, source="the records: no run is left")


def to_measure(study: Study) -> tuple[list[Arm], list[RunSpec]]:
    """The first arms of `study`, and runs of a few arms that have every part of their kinds."""
    arms = list(islice(study.design, LOOKED_AT))
    return arms, [study.spec(arm, 0) for arm in _measured_arms(study, arms)]


def measuring(
    study: Study,
    workers: int,
    device: str,
    plugins: Sequence[str],
    caches: tuple[tuple[int, str], ...],
) -> RecipeRun:
    """The work that measures runs of `study`, without a store. caches: see RecipeRun."""
    from runner.tasks.recipe_run import RecipeRun

    work = RecipeRun(study.task.name, str(study.data_folder), device, plugins=tuple(plugins))
    return replace(work.shared_out(workers), caches=caches)


def _measured_arms(study: Study, arms: Sequence[Arm]) -> list[Arm]:
    """Arms of different kinds that together have every part of every arm's kind."""
    kinds = {arm: kind(to_json(study.recipe(arm))) for arm in arms}
    if len(set(kinds.values())) > MEASURED:
        single = AddOne(study.factors, study.design.conflicts)
        alone = {arm: kind(to_json(study.recipe(arm))) for arm in single}
        kinds = {**alone, **kinds}
        parts: set[tuple[str, str]] = set()
        for arm, own in list(
            kinds.items()
        ):  # arms with a single change first; others for parts that need another part
            if arm not in alone and own <= parts:
                del kinds[arm]
            parts |= own
    first: dict[Kind, Arm] = {}
    for arm, own in kinds.items():
        first.setdefault(own, arm)
    return list(first.values())


def forecast(study: AnyStudy[Spec], runs: int, seconds: float, workers: int) -> str | None:
    """A sentence with the duration of `runs` runs of `seconds` each; None below ten minutes."""
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
    """The runs that stand for all: the first run, or some runs spread over the grid."""
    if len(missing) < FEW:
        return list(missing[:1])
    return list(missing[:: max(1, len(missing) // SAMPLE)][:SAMPLE])


def _fraction(study: AnyStudy[Spec]) -> int:
    """The number of arms of the fraction over the same factors; 0 if it is no alternative."""
    from runner.designs.fraction import Fraction

    if not study.design.crossed:
        return 0
    try:
        found = Fraction(study.factors, study.design.conflicts)
        found.check()
        return found.count
    except BadInput:
        return 0
