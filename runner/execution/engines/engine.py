"""Engine: starts workers, and reports the outcomes of its runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from runner.execution.messages import Assignment, Message


class Engine(Protocol):
    """Workers of one kind.

    It accepts assignments and reports on each: news, then one fate. It does not decide which run is
    next, which run is retried, and when to stop. Workers claim their runs and record them in the
    store (runner.execution.worker.perform); if workers cannot reach the store, the engine claims
    and records for them. An engine without messages from its workers reports changes in the store:
    claims, attempts, records. For a run that waits for a worker it reports Alive now and then,
    since silence counts as a hang.
    """

    def room(self) -> bool:
        """Whether it can take another run now."""
        ...

    def begin(self, assignment: Assignment) -> None:
        """Take a run. Raises BadInput if no worker can be started."""
        ...

    def listen(self, seconds: float) -> Iterable[tuple[str, Message]]:
        """News of runs, by id; waits for news, at most `seconds`."""
        ...

    def pause(self) -> None:
        """Ask running runs to stop at a checkpoint. Jobs of a cluster are not asked."""
        ...

    def end(self, id: str) -> str:
        """End the worker of a silent run at once. Returns the end of the run's output."""
        ...

    def close(self) -> None:
        """End every worker at once; running runs get no record. Jobs of a cluster continue."""
        ...
