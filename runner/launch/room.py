"""Whether the folder of results can hold what a grid will write."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner.execution.limits import RESERVE, lacks
from runner.launch.options import Options
from runner.planning import probe_run
from runner.planning.hours import LOOKED_AT, sample
from runner.records import checkpoints
from runner.text import size
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.tasks.recipe_run import RecipeRun

RECORD = 16_384  # bytes of a record with its place in the index, rounded up to whole blocks
EPOCH = 256  # bytes more for each epoch
AT_HAND = 4  # times a network's weights, for a running run: with optimizer, average and a spare


def check_writable(results: Path) -> None:
    """Raises BadInput if `results` cannot hold a store. Leaves no file there.

    Permissions alone do not decide (root, file systems of the kernel), so it opens a nameless file.
    """
    path = results.absolute()
    there = next(p for p in (path, *path.parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise BadInput(
            f"cannot use {results} as a store: {there} is not writable "
            f"({error.strerror or error}); choose another folder with --results"
        ) from error


def check_room(
    missing: Sequence[RunSpec], store: Store | None, work: RecipeRun, options: Options
) -> int:
    """Bytes that must stay free while `missing` are trained.

    Raises BadInput if the folder of results has no room for records, for kept models, and for
    checkpoints of running runs. Existing files do not count, so that a grid that had room at first
    also has room when it continues.
    """
    checkpoints_kept = options.limits.checkpoint is not None
    network = 0
    if checkpoints_kept or options.save_models is not None:
        recorded = None if store is None else recorded_bytes(missing, store)
        network = probe_run.network_bytes(sample(missing), work) if recorded is None else recorded
    kept = {None: 0, "last": 1, "best": 2, "winner": 0}[options.save_models]
    records = sum(RECORD + EPOCH * spec.recipe.epochs for spec in missing)
    models = kept * network * len(missing)
    at_hand = AT_HAND * network * min(options.workers, len(missing)) if checkpoints_kept else 0
    reserve = RESERVE + at_hand
    needed = records + models + reserve
    lack = lacks(options.results, needed)
    if lack:
        held = min(at_hand, checkpoints.total_bytes(options.results))
        lack = lacks(options.results, needed - held)
    if lack:
        parts = {"models": models, "records": records}
        if not models:
            parts["checkpoints at a time"] = at_hand
        most = max(parts, key=lambda name: parts[name])
        what = f"{size(parts[most])} of {most}"
        raise BadInput(
            f"{options.results} has no room for this grid, which will write about {what}: "
            f"{lack}; free some space there, or choose another disk with --results"
        )
    return reserve


def recorded_bytes(missing: Sequence[RunSpec], store: Store) -> int | None:
    """Bytes of the largest network of `missing`, from records; None if a network has no record."""
    wanted = {(spec.recipe.model, spec.recipe.width) for spec in missing}
    found: dict[tuple[str | None, float | None], int] = {}
    ids = (id for id, state in store.states().items() if state == "ok")
    for id in islice(ids, LOOKED_AT):
        record = store.record(id)
        if record is None or record.recipe is None or not record.parameters:
            continue
        key = (record.recipe.model, record.recipe.width)
        if key in wanted:
            found[key] = max(found.get(key, 0), 4 * record.parameters)
    return max(found.values()) if found.keys() == wanted else None
