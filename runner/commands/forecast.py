"""How long a grid will take, said before it starts if that is long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.execution.progress import duration
from runner.tasks import work
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.study import Study

LONG = 600.0  # seconds from which a grid is said to be long
FEW = 12  # runs: fewer are started without a forecast
SAMPLE = 4  # runs of which a few steps are measured


def forecast(
    plan: Study,
    missing: Sequence[RunSpec],
    results: Path,
    workers: int,
    device: str,
    plugins: Sequence[str] = (),
) -> str | None:
    """A sentence on how long `missing` will take, or None if that is under ten minutes.

    The time of one run comes from the study's earlier records, else from a few measured steps of
    some runs spread over the grid.
    """
    if len(missing) < FEW:
        return None
    seconds = _earlier(plan, missing, results) or _measured(plan, missing, device, plugins)
    total = seconds * len(missing) / min(workers, len(missing))
    if total <= LONG:
        return None
    text = (
        f"this will take about {duration(total)}: {len(missing):,} runs of about "
        f"{duration(seconds)}, {workers} at a time"
    )
    arms = _fraction(plan)
    if arms:
        sooner = duration(seconds * arms * plan.seeds / workers)
        text += f"\n--grid fraction estimates every trick's average effect in about {sooner}"
    return text


def _earlier(plan: Study, missing: Sequence[RunSpec], results: Path) -> float | None:
    """Mean seconds of the study's runs that are recorded, if those are enough to tell."""
    from runner.records.store import Store

    open_ = {spec.id for spec in missing}
    ids = [spec.id for _, spec in plan.planned() if spec.id not in open_]
    if not ids:
        return None
    rows = Store(results, create=False).rows(ids).values()
    times = [row["total_seconds"] for row in rows if row["total_seconds"]]
    return sum(times) / len(times) if len(times) >= FEW else None


def _measured(
    plan: Study, missing: Sequence[RunSpec], device: str, plugins: Sequence[str]
) -> float:
    some = list(missing[:: max(1, len(missing) // SAMPLE)][:SAMPLE])
    where = {"task": plan.task.name, "data": str(plan.data_folder), "device": device}
    return work.predict_seconds(some, **where, plugins=plugins)


def _fraction(plan: Study) -> int:
    """The arms of the fraction over the same factors; 0 if it is no way out."""
    from runner import designs

    if plan.grid != "full":
        return 0
    try:
        return designs.make("fraction", plan.factors, plan.baseline).count
    except BadInput:
        return 0
