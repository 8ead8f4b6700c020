"""Engine: what starts workers and says what becomes of the runs that it is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from runner.execution.messages import Assignment, Message


class Engine(Protocol):
    """Workers of one kind.

    It takes assignments and says what becomes of each: news, then one fate. Which run is next,
    what is lost and tried again, and when to stop is not for it to decide. Workers claim their
    runs and record them in the store (runner.execution.worker.perform); an engine whose workers
    do not reach the store claims and records for them. One that hears nothing from its workers
    tells what it sees in the store: claims, attempts, records. Of a run that only waits for a
    worker it says Alive now and then: silence is taken for a hang.
    """

    def room(self) -> bool:
        """Whether it can take another run now."""
        ...

    def begin(self, assignment: Assignment) -> None:
        """Take a run. Raises BadInput if no worker can be started."""
        ...

    def listen(self, seconds: float) -> Iterable[tuple[str, Message]]:
        """What became known of runs, by id; waits for that, at most so many seconds."""
        ...

    def pause(self) -> None:
        """Ask the runs at hand to leave at a checkpoint. Jobs of a cluster are not asked."""
        ...

    def end(self, id: str) -> str:
        """End the worker of a run that is silent, at once; the end of what the run printed."""
        ...

    def close(self) -> None:
        """End every worker, at once; runs at hand stay open. Jobs of a cluster go on."""
        ...
