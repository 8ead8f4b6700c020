"""The arm of a study that is best on validation; `predict STUDY` uses its best run's model."""

from __future__ import annotations

from dataclasses import dataclass

from runner.analysis.metrics.registry import CHOOSES
from runner.records.store import Store
from runner.records.studies import StoredStudy


@dataclass(frozen=True)
class BestArm:
    """label: its levels, as text. mean: of its runs' validation accuracy, per cent.

    runs: (validation accuracy, id) of each successful run.
    """

    label: str
    mean: float
    runs: tuple[tuple[float, str], ...]

    @property
    def run(self) -> str:
        """The id of its best run."""
        return max(self.runs)[1]


def best_arm(store: Store, stored: StoredStudy) -> BestArm | None:
    """The arm with the best mean on validation; None without a successful run.

    In a study with stages only runs of the last stage count: tuning runs are trials at other
    values.
    """
    own = tuple(stored.asked.staging[1:])
    if own:
        last = (stored.asked.stages[-1], "fixed")
        stored = next((s for s in map(stored.of_stage, last) if s.runs), stored)
    rows = store.rows(stored.ids)
    arms: dict[str, list[tuple[float, str]]] = {}
    for id, run in zip(stored.column("id"), stored.runs, strict=True):
        row = rows.get(id)
        if row and row["state"] == "ok" and row[CHOOSES] is not None:
            levels = " ".join(f"{name}={run[name]}" for name in (*stored.factors, *own))
            arms.setdefault(levels, []).append((row[CHOOSES], id))
    if not arms:
        return None
    means = {levels: sum(v for v, _ in runs) / len(runs) for levels, runs in arms.items()}
    best = max(means, key=lambda levels: means[levels])
    return BestArm(best or "its only arm", means[best], tuple(arms[best]))
