"""Equal time: every arm gets the baseline's training time, beside the baseline's epochs.

Such a study has two stages. `fixed`: all arms train for the baseline's epochs. `equal-time`: each
arm trains for as many epochs as fit the baseline's time, with the study's seeds again. An arm's
epochs follow from its fixed runs, and later records do not change them. Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from runner.designs.design import reference_arm
from runner.designs.factor import level_names, touched
from runner.scripts.command import edits
from runner.studies.stage_runs import Known, Planned
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.factor import Arm, Factor
    from runner.records.study_toml import StoredEpochs
    from runner.studies.any_study import AnyStudy, S
    from runner.studies.asked import Asked

A = TypeVar("A")  # an arm, as level indices or names
STAGES = ("fixed", "equal-time")
FIELD = "epochs"


def asked_equal_time(asked: Asked, factors: Sequence[Factor]) -> bool:
    """Whether `--equal time` is requested.

    Raises BadInput for another --equal, together with --tune, --until or --confirm, and if a factor
    sets the epochs or has the name of a column of such studies.
    """
    if not asked.equal:
        return False
    if asked.equal != "time":
        raise BadInput(f"--equal {asked.equal}: use --equal time")
    for flag, given in (
        ("--tune", asked.tune), ("--until", asked.until), ("--confirm", asked.confirm),
    ):  # fmt: skip
        if given:
            raise BadInput(f"--equal time does not go with {flag}: choose one")
    for factor in factors:
        if factor.name in ("stage", FIELD):
            raise BadInput(
                f"--equal time: such a study has a column {factor.name}, so no factor "
                "can have this name"
            )
        for level in factor.levels:
            if FIELD in touched(level) | set(edits(level.words).parameters):
                raise BadInput(
                    f"--equal time: {factor.name}={level.name} sets the epochs itself: leave it out"
                )
    return True


def check_base(study: AnyStudy[S]) -> None:
    """Raises BadInput if the design does not have the arm whose time all others get."""
    if study.equal_time and not study.design.contains(base(study)):
        raise BadInput(
            f"--equal time: {study.grid} has no baseline among its arms, whose time the others "
            "would get: use add-one, leave-one-out, cumulative, pairs or full"
        )


def base(study: AnyStudy[S]) -> Arm:
    """The arm whose time all others get: the arm that they are compared with."""
    return study.design.control_arm or reference_arm(study.factors)


def equal_epochs(epochs: int, ratio: float) -> int:
    """The epochs that take as long as `epochs` of the baseline. ratio: of an epoch's seconds.

    >>> equal_epochs(10, 1.55), equal_epochs(10, 0.5), equal_epochs(2, 9.0)
    (6, 20, 1)
    """
    return max(1, round(epochs / ratio))


def fixed_runs(study: AnyStudy[S]) -> Iterator[Planned[S]]:
    """All arms for the baseline's epochs."""
    for arm, spec in study.planned():
        yield Planned("fixed", arm, study.epochs, spec)


def equal_runs(study: AnyStudy[S], epochs: Mapping[Arm, int]) -> Iterator[Planned[S]]:
    """The arms with chosen epochs, for these epochs, with the study's seeds."""
    for arm, spec in study.planned():
        if arm in epochs:
            value = epochs[arm]
            yield Planned("equal-time", arm, value, study.spec(arm, spec.seed, {FIELD: value}))


def known_runs(
    study: AnyStudy[S], chosen: Sequence[StoredEpochs], states: Mapping[str, str]
) -> Known[S]:
    """The fixed runs, and the equal-time runs of the arms in `chosen`. states: by run id."""
    fixed = list(fixed_runs(study))
    epochs = arm_epochs(study, chosen)
    equal = list(equal_runs(study, epochs))
    lost = left_out((run.arm, states.get(run.spec.id)) for run in fixed)
    wait = sum(run.arm not in epochs and run.arm not in lost for run in fixed)
    return Known(STAGES, (*fixed, *equal), wait)


def arm_epochs(study: AnyStudy[S], chosen: Sequence[StoredEpochs]) -> dict[Arm, int]:
    """The epochs of the study's arms that are in `chosen`."""
    first = {factor.name: factor.levels[0].name for factor in study.factors}
    held = {tuple({**first, **arm.levels}.items()): arm.epochs for arm in chosen}
    found = {}
    for arm in dict.fromkeys(arm for arm, _ in study.design.runs(study.seeds)):
        epochs = held.get(tuple(level_names(study.factors, arm).items()))
        if epochs is not None:
            found[arm] = epochs
    return found


def left_out(states: Iterable[tuple[A, str | None]]) -> set[A]:
    """Arms whose fixed runs all diverged: their cost is meaningless."""
    found: dict[A, set[str | None]] = {}
    for arm, state in states:
        found.setdefault(arm, set()).add(state)
    return {arm for arm, own in found.items() if own == {"diverged"}}
