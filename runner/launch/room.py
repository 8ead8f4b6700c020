"""What a grid may not go beyond: time, a run's silence, room on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.execution.limits import RESERVE, STALL, Limits, lacks
from runner.planning import trial
from runner.planning.forecast import LOOKED_AT, sample
from runner.text import size
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study
    from runner.tasks.recipe_run import RecipeRun

RECORD = 16_384  # bytes of a record with its place in the index, rounded up to whole blocks
EPOCH = 256  # bytes more for each epoch
CHECKPOINT = 5.0  # minutes
AT_HAND = 4  # times a network's weights, for a run at hand: with optimizer, average and a spare


CheckpointMinutes = Annotated[
    float | None,
    typer.Option(
        help="Write a run's checkpoint so often, at the end of an epoch if one is that near: an "
        "interrupted run goes on from it. [default: 5]"
    ),
]
NoCheckpoint = Annotated[
    bool,
    typer.Option("--no-checkpoint", help="Write none: an interrupted run begins anew."),
]


def asked_limits(
    max_hours: float | None,
    stall_minutes: float | None,
    checkpoint_minutes: float | None = None,
    no_checkpoint: bool = False,
) -> Limits:
    """What the options say, None being the default; the time starts now."""
    if no_checkpoint and checkpoint_minutes is not None:
        raise BadInput("--no-checkpoint and --checkpoint-minutes exclude each other: give one")
    options = {
        "--max-hours": max_hours,
        "--stall-minutes": stall_minutes,
        "--checkpoint-minutes": checkpoint_minutes,
    }
    for option, value in options.items():
        if value is not None and not 0 < value < float("inf"):
            raise BadInput(f"{option} must be a number above 0, not {value}")
    return Limits(
        stall=STALL if stall_minutes is None else 60 * stall_minutes,
        wall=float("inf") if max_hours is None else 3600 * max_hours,
        checkpoint=None if no_checkpoint else 60 * (checkpoint_minutes or CHECKPOINT),
    )


def check_room(
    study: Study,
    missing: Sequence[RunSpec],
    store: Store | None,
    states: Mapping[str, str],
    results: Path,
    workers: int,
    work: RecipeRun,
) -> int:
    """Bytes that must stay free while `missing` are trained.

    Raises BadInput if `results` has no room for their records, for the models that are kept, and
    for the checkpoints of those at hand.
    """
    network = recorded_bytes(missing, store, states)
    if network is None and study.save_models is not None:
        network = trial.network_bytes(sample(missing), work)
    network = network or 0
    kept = {None: 0, "last": 1, "best": 2}[study.save_models]
    records = sum(RECORD + EPOCH * spec.recipe.epochs for spec in missing)
    models = kept * network * len(missing)
    reserve = RESERVE + AT_HAND * network * min(workers, len(missing))
    lack = lacks(results, records + models + reserve)
    if lack:
        what = f"{size(models)} of models" if models > records else f"{size(records)} of records"
        raise BadInput(
            f"{results} has no room for this grid, which will write about {what}: {lack}; "
            "make room there, or choose another disk with --results"
        )
    return reserve


def recorded_bytes(
    missing: Sequence[RunSpec], store: Store | None, states: Mapping[str, str]
) -> int | None:
    """Bytes of the largest network that `missing` name, by records; None if one has no record."""
    wanted = {(spec.recipe.model, spec.recipe.width) for spec in missing}
    found: dict[tuple[str, float], int] = {}
    ids = (id for id, state in states.items() if state == "ok")
    for id in islice(ids, LOOKED_AT if store is not None else 0):
        record = store.read(id) if store is not None else None
        recipe = (record or {}).get("recipe") or {}
        key = (recipe.get("model"), recipe.get("width"))
        if record is not None and key in wanted and record.get("parameters"):
            found[key] = max(found.get(key, 0), 4 * record["parameters"])
    return max(found.values()) if found.keys() == wanted else None
