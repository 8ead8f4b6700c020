"""Columns in exports of W&B, MLflow, TensorBoard, Optuna and Ray."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from runner.analysis.data.nested import spread
from tricks.errors import BadInput, unknown

SETTING_PREFIXES = (
    "data.params.", "params.", "params_", "params/", "config.", "config/", "hparams.", "hparams/",
)  # fmt: skip
METRIC_PREFIXES = ("data.metrics.", "metrics.", "metrics/", "summary.", "summary/", "user_attrs_")
SEEDS = (
    "seed", "random_seed", "rng_seed", "manual_seed", "torch_seed", "global_seed", "random_state",
    "seed_everything",
)  # fmt: skip
# In order of preference: the first column with one row for each value in a run is used.
EPOCHS = (
    "epoch", "_step", "step", "global_step", "trainer/global_step", "training_iteration",
    "iteration", "iter", "current_epoch",
)  # fmt: skip
IDS = ("run_id", "run id", "info.run_id", "id", "trial_id", "trial id", "uid", "run_uuid")
RUNS = (*IDS, "run", "run_name", "run name", "name", "trial", "dir_name")
# These columns are factors only if the user names them.
ASIDE = (
    "user", "user name", "user_id", "tags", "sweep", "created", "created_at", "updated", "runtime",
    "start time", "end time", "start_time", "end_time", "wall time", "wall_time", "number",
    "datetime_start", "datetime_complete", "lifecycle_stage", "artifact_uri", "experiment_id",
    "source name", "source type", "source version", "source_type", "job type", "jobtype", "entity",
    "project", "url", "hostname", "os", "python", "command", "gpu type", "gpu count", "cpu count",
    "show summary", *EPOCHS, *RUNS, *SEEDS,
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A table with plain names; settings: columns that the export marks as settings, or None."""

    table: pd.DataFrame
    settings: tuple[str, ...] | None = None


def has(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns with one of `names`, ignoring case, in the order of `names`."""
    there = {str(c).casefold(): str(c) for c in reversed(table.columns)}
    return [there[name] for name in names if name in there]


def is_seed(column: str) -> bool:
    """Whether a column has seeds, also within a nested config.

    >>> is_seed("training.seed"), is_seed("trainer/random_state"), is_seed("seeding")
    (True, True, False)
    """
    return re.split("[./]", column.casefold())[-1] in SEEDS


def is_aside(column: str) -> bool:
    """Whether a column is a tracker's bookkeeping, which is a factor only if the user names it.

    >>> is_aside("Runtime"), is_aside("_timestamp"), is_aside("tags.mlflow.user"), is_aside("mixup")
    (True, True, True, False)
    """
    name = column.casefold()
    starts = ("_", "tags.", "info.", "system/", "system_attrs_", "data.tags.", *METRIC_PREFIXES)
    return name in ASIDE or is_seed(name) or name.startswith(starts)


def plain(table: pd.DataFrame, where: str) -> Named:
    """The table without trackers' prefixes, with TensorBoard's tags as columns and a `seed`.

    Raises BadInput for exports without settings of the runs.
    """
    table = _wide(spread(table))
    names = [str(c) for c in table.columns]
    if {name.casefold() for name in names} == {"wall time", "step", "value"}:
        raise BadInput(
            f"{where}: this is TensorBoard's export of one curve, which has no settings of runs: "
            "export the table of its HPARAMS page"
        )
    if any(name.endswith("__MIN") for name in names):
        raise BadInput(
            f"{where}: this is W&B's export of a chart, which has no settings of runs: export "
            "the table of runs"
        )
    short = {name: _short(name) for name in names}
    counts = pd.Series(list(short.values())).str.casefold().value_counts()
    short = {k: v if counts[v.casefold()] == 1 else k for k, v in short.items()}
    settings = tuple(short[name] for name in names if name.startswith(SETTING_PREFIXES))
    table = table.rename(columns=short)
    seed = has(table, SEEDS) or [str(c) for c in table.columns if is_seed(str(c))]
    if seed and "seed" not in table:
        table = table.rename(columns={seed[0]: "seed"})
        settings = tuple(name for name in settings if name != seed[0])
    return Named(table, settings or None)


def column(wanted: str, table: pd.DataFrame, kind: str, where: str, hint: str = "") -> str:
    """The column `wanted`: with this name, without its prefix, or in another case.

    Raises BadInput with close matches if there is none.
    """
    names = [str(c) for c in table.columns]
    for one in (wanted, _short(wanted)):
        if one in names:
            return one
        same = [name for name in names if name.casefold() == one.casefold()]
        if len(same) == 1:
            return same[0]
    said = unknown(kind, wanted, names)
    raise BadInput(f"{where}: {said} ({hint})" if hint else f"{where}: {said}")


def _short(name: str) -> str:
    prefix = next((p for p in (*SETTING_PREFIXES, *METRIC_PREFIXES) if name.startswith(p)), "")
    return name[len(prefix) :] or name


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of one value each (run, tag, step, value), turned into a column for each tag."""
    tags, values, steps = (has(table, (name,)) for name in ("tag", "value", "step"))
    if not (tags and values and steps):
        return table
    left = [c for c in table.columns if c not in (tags[0], values[0], *has(table, ("wall_time",)))]
    if table.duplicated([*left, tags[0]]).any():
        return table
    index = table.index
    found = table.pivot(index=left, columns=tags[0], values=values[0]).reset_index().fillna("")
    found.columns.name = None
    found.index = index[: len(found)]
    return found
