"""The cost of runs: hours by use, parameters, memory, generalisation gap."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from runner.records.record_schema import Record
from runner.reporting.document import Block, Cell, Column, Note
from runner.reporting.numbers import count_cell, plain_cell, signed_cell
from runner.reporting.tables import Row, table

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 40  # rows
SPENT = ("cpu_seconds", "train_seconds", "evaluate_seconds", "wait_seconds", "total_seconds")
NO_ARMS: Mapping[str, str] = MappingProxyType({})
WAIT = 0.05  # a run is named if it waited for data for a larger share of its training


def spent(runs: pd.DataFrame) -> str:
    """Core-hours and wall-clock hours by use; "" if no run has times.

    runs: measured seconds in columns train_seconds, …; a run listed twice counts once.
    """
    once = runs.drop_duplicates("id") if "id" in runs else runs
    names = [name for name in SPENT if name in once]
    counted = int(once[names].notna().any(axis=1).sum())
    if not counted:
        return ""
    sums = {name: float(once[name].sum()) if name in names else 0.0 for name in SPENT}
    return (
        f"{counted} runs took {_hours(sums['total_seconds'])} in all (summed over workers): "
        f"{_hours(sums['train_seconds'])} of training, including {_hours(sums['wait_seconds'])} "
        f"of waiting for data, and {_hours(sums['evaluate_seconds'])} of evaluation. "
        f"Training used {sums['cpu_seconds'] / 3600:.2f} core-hours of CPU." + _starved(once)
    )


def _starved(runs: pd.DataFrame) -> str:
    """A sentence on runs whose training waited for data, longest first; "" without any."""
    if not {"id", "wait_seconds", "train_seconds"} <= set(runs):
        return ""
    share = runs["wait_seconds"] / runs["train_seconds"].where(runs["train_seconds"] > 0)
    worst = share[share > WAIT].sort_values(ascending=False)
    if worst.empty:
        return ""
    shown = (f"{runs['id'][place]} {100 * worst[place]:.0f} %" for place in worst.index[:5])
    return (
        f" In {len(worst)} of the runs training waited for data for more than {100 * WAIT:.0f} % "
        f"of its time ({', '.join(shown)}{', …' if len(worst) > 5 else ''}). With fewer workers "
        "each worker has more loader processes."
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds / 60:.1f} min"


def footprint(records: Sequence[Record], arms: Mapping[str, str] = NO_ARMS) -> tuple[Block, ...]:
    """A table of medians by model, or by arm where there is only one model, with its note.

    Parameters, memory by stage and generalisation gap; empty if no record has its memory.
    arms: run id -> arm of this study. Without it, an arm has the name that its record has.
    """
    told = [r for r in records if r.memory]
    networks = [(r.recipe and r.recipe.model) or "unknown" for r in told]
    by_model = len(set(networks)) > 1
    groups: dict[str, list[Record]] = {}
    for r, network in zip(told, networks, strict=True):
        arm = arms.get(r.id) or " + ".join(r.tricks or ["baseline"])
        name = network if by_model else arm
        groups.setdefault(name, []).append(r)
    stages = [("ram", stage) for stage in ("data", "model", "first_step", "peak")]
    if any("reserved" in _memory(r, "peak") for r in told):
        stages += [("allocated", "peak"), ("reserved", "peak")]
    names = {"data": "data loaded", "model": "model built", "first_step": "first step"}
    rows = []
    for name, own in list(groups.items())[:MOST_GROUPS]:
        parameters = _middle(r.parameters for r in own) or 0
        row: Row = [name, count_cell(len(own))]
        row.append(Cell(f"{parameters:,.0f}", parameters))
        for kind, stage in stages:
            held = (_memory(r, stage).get(kind) for r in own)
            row.append(plain_cell(_middle(held), 0))
        rows.append([*row, signed_cell(_middle(r.generalisation_gap for r in own))])
    header: list[Column | str] = ["model" if by_model else "arm", "runs", "parameters"]
    for kind, stage in stages:
        what = "RAM" if kind == "ram" else f"GPU {kind}"
        header.append(Column(f"{what}, {names.get(stage, stage)}", unit="MiB"))
    found = table([*header, Column("gap (pp)", unit="pp")], rows)
    more = f" {len(groups) - MOST_GROUPS} more are not shown." if len(groups) > MOST_GROUPS else ""
    note = Note(
        "Medians over runs. Memory in MiB: RAM is the resident memory of the run's process, "
        "including torch, without loader processes. Gap: accuracy on clean training images (the "
        f"probe) minus accuracy on validation, at the last epoch.{more}"
    )
    return (found, note) if found else ()


def _memory(record: Record, stage: str) -> Mapping[str, float | None]:
    return (record.memory or {}).get(stage, {})


def _middle(values: Iterable[float | None]) -> float | None:
    held = [v for v in values if v is not None]
    return statistics.median(held) if held else None
