"""The outcome of training a study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runner.execution.events import Summary
from runner.records.store import Store

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy
    from runner.studies.judged import Look

Ended = Literal[
    "done", "declined", "submitted", "interrupted", "decided", "budget", "nothing to decide"
]


@dataclass(frozen=True)
class Outcome:
    """The outcome of training `study`.

    ended: done; declined (the user did not start a long grid); interrupted (runs are left);
    submitted (in jobs that this process does not wait for); for a sequential study: decided, budget
    (used up) or nothing to decide. summaries: counts of each execution: one, or one for each look
    that had runs to train. looks: the analyzed looks. promise: for a study that confirms a winner,
    lines with the promised effects and the effects on fresh seeds. weights: counts of the runs
    trained again for weights.
    """

    study: AnyStudy[Spec]
    ended: Ended
    summaries: tuple[Summary, ...] = ()
    looks: tuple[Look, ...] = ()
    promise: tuple[str, ...] = ()
    weights: Summary | None = None

    @property
    def failed(self) -> int:
        """Runs of the study that ended in an error, now or before."""
        return max((failed(summary) for summary in self.summaries), default=0)

    @property
    def out_of_time(self) -> bool:
        """Whether runs are left because the time limit was reached."""
        return any(summary.out_of_time for summary in self.summaries[-1:])


def failed(summary: Summary) -> int:
    """Runs that ended in an error, now or before."""
    return summary.failed + summary.infra + summary.failed_before


def both(first: Summary, then: Summary) -> Summary:
    """The summed counts of two executions of different runs."""
    return replace(
        then,
        ok=first.ok + then.ok,
        diverged=first.diverged + then.diverged,
        failed=first.failed + then.failed,
        infra=first.infra + then.infra,
        skipped=first.skipped + then.skipped,
        failed_before=first.failed_before + then.failed_before,
    )


def reportable(study: AnyStudy[Spec], results: Path) -> bool:
    """Whether `study` has a recorded run that a report can show."""
    states = Store(results).states({spec.id for _, spec in study.planned()})
    return "ok" in states.values()
