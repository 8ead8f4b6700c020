"""Tuning: every arm gets the same budget on validation to choose its own value of a recipe field.

A tuned study has three stages. `fixed`: all arms at the baseline's value, with the study's seeds.
`tuning`: each arm at every candidate, with separate seeds. `tuned`: each arm at its best candidate,
with the study's seeds again. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from runner.designs.design import BEYOND, changes, hashed_seed, reference_arm
from runner.designs.factor import Arm, Factor, arm_levels
from runner.designs.field import field_text, field_values
from runner.studies.any_study import AnyStudy, S
from runner.studies.choice import MainColumns, Trial, choices
from runner.studies.stage_runs import Planned
from runner.studies.tuning_budget import Tuning
from tricks.errors import BadInput, unknown
from tricks.recipe import FIELDS, Recipe, identity

if TYPE_CHECKING:
    from runner.designs.field import Scalar
    from runner.studies.asked import Asked
    from runner.studies.study import Study

STAGES = ("fixed", "tuning", "tuned")
DEFAULT_SEEDS = 2
# `stream` only changes the random numbers: tuning it would choose a lucky seed.
NUMERIC = tuple(
    name for name in FIELDS if Recipe.__annotations__[name] in ("int", "float") and name != "stream"
)


def asked_tuning(asked: Asked, baseline: Recipe, factors: Sequence[Factor]) -> Tuning | None:
    """The request of `--tune`; None without it.

    Raises BadInput for more than one field; for a field that is unknown, not numeric, varied by a
    factor or set by a trick; for fewer than two different values; and for no seed.
    """
    tuned = one_tuned(asked, "field", "lr_scale=0.5,1,2")
    if tuned is None:
        return None
    if asked.confirm:
        raise BadInput("--tune and --confirm do not go together: choose one")
    name, given = tuned
    where = f"--tune {name}"
    if name not in FIELDS:
        raise BadInput(f"{where}: {unknown('recipe field', name, NUMERIC)}")
    if name not in NUMERIC:
        raise BadInput(f"{where}: only numbers can be tuned: {', '.join(NUMERIC)}")
    _check_free(name, factors)
    values = field_values(name, given, baseline, where)
    numbers = tuple(value for value in values if isinstance(value, int | float))  # all: NUMERIC
    return Tuning(name, numbers, tune_seeds(asked), getattr(baseline, name))


def one_tuned(asked: Asked, noun: str, example: str) -> tuple[str, list[Scalar]] | None:
    """What --tune names, and its candidates; None without --tune.

    noun, example: for messages. Raises BadInput for several names, and for --tune-seeds alone.
    """
    if len(asked.tune) > 1:
        raise BadInput(f"--tune takes one {noun}, not {len(asked.tune)}: {', '.join(asked.tune)}")
    if not asked.tune and asked.tune_seeds is not None:
        raise BadInput(f"--tune-seeds is for --tune: name the {noun}, as --tune {example}")
    return next(iter(asked.tune.items()), None)


def tune_seeds(asked: Asked) -> int:
    """The seeds of each candidate. Raises BadInput for a number below 1."""
    seeds = DEFAULT_SEEDS if asked.tune_seeds is None else asked.tune_seeds
    if seeds < 1:
        raise BadInput(f"--tune-seeds must be at least 1, not {seeds}")
    return seeds


def _check_free(name: str, factors: Sequence[Factor]) -> None:
    """Raises BadInput if a factor varies the field, or a trick sets it."""
    for factor in factors:
        if factor.name == "stage":
            raise BadInput(
                "--tune: a tuned study has a column stage, so no factor can have this name"
            )
        if factor.name == name:
            raise BadInput(
                f"--tune {name}: {name} is a factor here, so it cannot be tuned too: leave out one"
            )
        for trick in (trick for level in factor.levels for trick in level.tricks):
            edits = trick.edits()
            if name in (*edits.sets, *edits.adds):
                raise BadInput(f"--tune {name}: {trick} sets {name}: tune another field")
        for level in factor.levels:
            if name in dict(level.fields):
                raise BadInput(
                    f"--tune {name}: {factor.name}={level.name} sets {name}: tune another field"
                )


def check_acts(study: Study) -> None:
    """Raises BadInput if two values give the same training, as widths of timm's models do."""
    tuning = study.tuning
    if tuning is None:
        return
    seen: dict[str, str] = {}
    for value, text in zip(tuning.values, tuning.texts, strict=True):
        recipe = study.recipe(reference_arm(study.factors), {tuning.field: value})
        other = seen.setdefault(repr(identity(recipe)), text)
        if other != text:
            raise BadInput(
                f"--tune {tuning.field}: {other} and {text} give the same training with the "
                f"model {recipe.model}"
            )


def tuning_seed(study: AnyStudy[S], arm: Arm, index: int) -> int:
    """Seed number `index` of the tuning of `arm`: at least BEYOND.

    All candidates of an arm share the seed. All arms share it if the design's arms share seeds.
    """
    own = [] if study.design.shared_seeds else changes(study.factors, arm)
    return BEYOND + hashed_seed("tune", *own, index)


def fixed_runs(study: AnyStudy[S]) -> Iterator[Planned[S]]:
    """All arms at the fixed value."""
    if study.tuning is not None:
        for arm, spec in study.planned():
            yield Planned("fixed", arm, study.tuning.fixed, spec)


def tuning_runs(study: AnyStudy[S]) -> Iterator[Planned[S]]:
    """Every candidate of every arm with the first seed, then with the next seed."""
    tuning = study.tuning
    if tuning is None:
        return
    arms = list(dict.fromkeys(arm for arm, _ in study.planned()))
    for index in range(tuning.seeds):
        for arm in arms:
            seed = tuning_seed(study, arm, index)
            for value in tuning.values:
                spec = study.spec(arm, seed, {tuning.field: value})
                yield Planned("tuning", arm, value, spec)


def tuned_runs(study: AnyStudy[S], chosen: Mapping[Arm, float]) -> Iterator[Planned[S]]:
    """The arms with a chosen value, at this value, with the study's seeds."""
    tuning = study.tuning
    if tuning is None:
        return
    for arm, spec in study.planned():
        if arm in chosen:
            value = chosen[arm]
            yield Planned("tuned", arm, value, study.spec(arm, spec.seed, {tuning.field: value}))


def chosen_values(
    study: AnyStudy[S], rows: Mapping[str, MainColumns], planned: Iterable[Planned[S]]
) -> dict[Arm, float]:
    """The chosen value of each arm with complete tuning. rows: main columns by run id."""
    tuning = study.tuning
    if tuning is None:
        return {}

    def levels(arm: Arm) -> tuple[str, ...]:
        return tuple(level.name for level in arm_levels(study.factors, arm))

    found = choices(
        tuning.texts,
        tuning.seeds,
        (
            Trial.of(run.stage, levels(run.arm), field_text(run.value), rows.get(run.spec.id))
            for run in planned
        ),
    )
    values = dict(zip(tuning.texts, tuning.values, strict=True))
    chosen = {}
    for arm in dict.fromkeys(arm for arm, _ in study.planned()):
        choice = found.get(levels(arm))
        if choice is not None and choice.best is not None:
            chosen[arm] = values[choice.best]
    return chosen


def known_runs(study: AnyStudy[S], rows: Mapping[str, MainColumns]) -> list[Planned[S]]:
    """The fixed and tuning runs, and the tuned runs of arms that have chosen by `rows`."""
    first = [*fixed_runs(study), *tuning_runs(study)]
    return [*first, *tuned_runs(study, chosen_values(study, rows, first))]


def size(study: AnyStudy[S]) -> int:
    """The number of runs of all stages, if no arm chooses the fixed value."""
    budget = len(study.tuning.values) * study.tuning.seeds if study.tuning else 0
    return 2 * study.runs + study.design.count * budget
