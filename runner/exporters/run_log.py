"""The data of a run that every tracker gets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from runner.records.json_values import JsonValue, digest
from runner.records.run_frames import CURVES, NORMS

if TYPE_CHECKING:
    from runner.records.export import Evidence
    from runner.records.record_schema import Record

Value = str | int | float | bool
# Columns of the table that are metrics of a whole run.
FINAL = (
    "accuracy", "loss", "val_accuracy", "val_loss", "probe_accuracy", "generalisation_gap", "top5",
    "macro_f1", "nll", "ece", "val_top5", "val_macro_f1", "val_nll", "val_ece", "train_seconds",
    "total_seconds", "images_per_second", "peak_memory_mb", "parameters",
)  # fmt: skip


@dataclass(frozen=True)
class EpochLog:
    """An epoch's metrics. time: its end, in seconds since 1970."""

    epoch: int
    time: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class RunLog:
    """A run of a study. Accuracies in per cent; times in seconds since 1970.

    config: the recipe with flat names (`optimizer.lr`), and the levels of factors. tags: study,
    arm, seed, tricks, state. metrics: of the whole run. A record has no times of epochs, so they
    are spread evenly between start and end.
    """

    id: str
    study: str
    arm: str
    seed: int
    state: str  # ok | diverged | failed | infra
    started: float
    ended: float
    config: Mapping[str, Value] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs: tuple[EpochLog, ...] = ()

    @property
    def name(self) -> str:
        """The run's name in the tracker."""
        return f"{self.arm}, seed {self.seed}"

    @property
    def digest(self) -> str:
        """64 hex digits that change with any of the run's data."""
        epochs: list[JsonValue] = [[e.epoch, e.time, dict(e.metrics)] for e in self.epochs]
        whole: list[JsonValue] = [
            self.id, self.name, self.state, self.started, self.ended, dict(self.config),
            dict(self.tags), dict(self.metrics), epochs,
        ]  # fmt: skip
        return digest(whole)


def run_logs(found: Evidence) -> list[RunLog]:
    """A log for each record of a study, in planned order."""
    from runner.analysis.data.labels import arm_label

    study, levels = found.study, found.study.levels
    rows = found.runs.drop_duplicates("id").set_index("id")
    curves = dict(iter(found.curves.groupby("id", sort=False))) if len(found.curves) else {}
    logs = []
    for record in found.records:
        row = rows.loc[record.id]
        held = {name: str(row[name]) for name in levels}
        started, ended = _times(record)
        metrics = {name: float(row[name]) for name in FINAL if name in row and _known(row[name])}
        curve = curves.get(record.id)
        lines = [] if curve is None else curve.to_dict("records")
        share = (ended - started) / max(1, len(lines))
        epochs = tuple(
            EpochLog(
                int(line["epoch"]),
                round(started + share * (i + 1), 3),
                {k: float(line[k]) for k in (*CURVES, *NORMS) if k in line and _known(line[k])},
            )
            for i, line in enumerate(lines)
        )
        arm = arm_label(held, levels)
        seed = int(record.seed or 0)
        tags = {
            "study": study.name, "arm": arm, "seed": str(seed), "state": record.state,
            "tricks": " + ".join(record.tricks or ()) or "baseline", "run": record.id,
        }  # fmt: skip
        if record.error is not None:
            tags["error"] = record.error.reason(200)
        values = record.recipe.values if record.recipe else {}
        config = {**flat(values), **{f"factor.{name}": level for name, level in held.items()}}
        config["seed"] = seed
        logs.append(RunLog(record.id, study.name, arm, seed, record.state, started, ended, config,
                           tags, metrics, epochs))  # fmt: skip
    return logs


def flat(values: Mapping[str, JsonValue], above: str = "") -> dict[str, Value]:
    """Nested values with flat names; lists are numbered, None is left out.

    >>> flat({"optimizer": {"name": "sgd", "lr": 0.1}, "mixers": [{"alpha": 0.2}], "warmup": None})
    {'optimizer.name': 'sgd', 'optimizer.lr': 0.1, 'mixers.0.alpha': 0.2}
    """
    found: dict[str, Value] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{key}.")
        elif isinstance(value, (list, tuple)):
            found |= flat({str(i): item for i, item in enumerate(value)}, f"{above}{key}.")
        elif isinstance(value, (str, int, float)):
            found[f"{above}{key}"] = value
    return found


def _times(record: Record) -> tuple[float, float]:
    """Start and end of the run; 1970 if the record does not have them."""
    started = datetime.fromisoformat(record.started).timestamp() if record.started else 0.0
    if record.finished:
        return started, datetime.fromisoformat(record.finished).timestamp()
    return started, started + record.total_seconds


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
