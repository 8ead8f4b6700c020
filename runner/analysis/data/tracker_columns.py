"""Columns as W&B, MLflow, TensorBoard, Optuna and Ray export them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from runner.analysis.data.nested import spread
from tricks.errors import BadInput, unknown

SETTINGS = (
    "data.params.", "params.", "params_", "params/", "config.", "config/", "hparams.", "hparams/",
)  # fmt: skip
METRICS = ("data.metrics.", "metrics.", "metrics/", "summary.", "summary/", "user_attrs_")
SEEDS = ("seed", "random_seed", "rng_seed", "manual_seed", "torch_seed")
# In the order in which they are asked: the first that has one row for each value in a run.
EPOCHS = (
    "epoch", "_step", "step", "global_step", "trainer/global_step", "training_iteration",
    "iteration", "iter", "current_epoch",
)  # fmt: skip
IDS = ("run_id", "run id", "info.run_id", "id", "trial_id", "trial id", "uid", "run_uuid")
RUNS = (*IDS, "run", "run_name", "run name", "name", "trial", "dir_name")
# No factors, unless they are named.
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
    """A table with plain names, and which columns are said to be settings; None: not said."""

    table: pd.DataFrame
    settings: tuple[str, ...] | None = None


def has(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns called one of `names` in any case, in the order of `names`."""
    there = {str(c).casefold(): str(c) for c in reversed(table.columns)}
    return [there[name] for name in names if name in there]


def is_aside(column: str) -> bool:
    """Whether a column is a tracker's bookkeeping, which is a factor only if it is named.

    >>> is_aside("Runtime"), is_aside("_timestamp"), is_aside("tags.mlflow.user"), is_aside("mixup")
    (True, True, True, False)
    """
    name = column.casefold()
    starts = ("_", "tags.", "info.", "system/", "system_attrs_", "data.tags.", *METRICS)
    return name in ASIDE or name.startswith(starts)


def plain(table: pd.DataFrame, where: str) -> Named:
    """Names without a tracker's prefixes, tags of TensorBoard as columns, and a seed called so.

    Raises BadInput for exports that hold no settings of the runs.
    """
    table = _wide(spread(table))
    names = [str(c) for c in table.columns]
    if {name.casefold() for name in names} == {"wall time", "step", "value"}:
        raise BadInput(
            f"{where}: this is TensorBoard's export of one curve, which holds no settings of runs: "
            "export the table of its HPARAMS page"
        )
    if any(name.endswith("__MIN") for name in names):
        raise BadInput(
            f"{where}: this is W&B's export of a chart, which holds no settings of runs: export "
            "the table of runs"
        )
    short = {name: _short(name) for name in names}
    counts = pd.Series(list(short.values())).str.casefold().value_counts()
    short = {k: v if counts[v.casefold()] == 1 else k for k, v in short.items()}
    settings = tuple(short[name] for name in names if name.startswith(SETTINGS))
    table = table.rename(columns=short)
    seed = has(table, SEEDS)
    if seed and "seed" not in table:
        table = table.rename(columns={seed[0]: "seed"})
        settings = tuple(name for name in settings if name != seed[0])
    return Named(table, settings or None)


def column(wanted: str, table: pd.DataFrame, what: str, where: str, hint: str = "") -> str:
    """The column that is meant: as it stands, without its prefix, or in another case.

    Raises BadInput with close matches.
    """
    names = [str(c) for c in table.columns]
    for one in (wanted, _short(wanted)):
        if one in names:
            return one
        same = [name for name in names if name.casefold() == one.casefold()]
        if len(same) == 1:
            return same[0]
    said = unknown(what, wanted, names)
    raise BadInput(f"{where}: {said} ({hint})" if hint else f"{where}: {said}")


def _short(name: str) -> str:
    prefix = next((p for p in (*SETTINGS, *METRICS) if name.startswith(p)), "")
    return name[len(prefix) :] or name


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of one value each (run, tag, step, value) with a column for each tag."""
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
