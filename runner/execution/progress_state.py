"""The state of an execution: counts, running runs, the best run so far, the time left."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from runner.execution.events import Epoch, Event, Finished, PausedRun, Retry, Skipped, Started
from runner.execution.work import Figures

WINDOW = 60  # latest finished runs that give the throughput


@dataclass
class Running:
    """A run that is being trained."""

    label: str
    began: float
    epochs: int | None
    metrics: Figures | None = None  # of its last finished epoch


@dataclass
class Tally:
    """Counts of `total` runs, of which `recorded` had a record before."""

    total: int
    recorded: int = 0
    workers: int = 1
    states: Counter[str] = field(default_factory=Counter)
    running: dict[str, Running] = field(default_factory=dict)
    best: Finished | None = None
    failures: list[Finished] = field(default_factory=list)
    skipped: int = 0
    paused: int = 0  # at a checkpoint
    _seconds: float = 0.0
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def take(self, event: Event, now: float) -> None:
        """Count `event`, which happened at `now` (monotonic seconds)."""
        match event:
            case Skipped(count):
                self.skipped += count
            case Started(id, label, _, epochs):
                self.running[id] = Running(label, now, epochs)
            case Epoch(id, _, metrics) if id in self.running:
                self.running[id].metrics = metrics
            case Retry(id):
                self.running.pop(id, None)
            case PausedRun(id):
                self.running.pop(id, None)
                self.paused += 1
            case Finished(id):
                self.running.pop(id, None)
                self.states[event.state] += 1
                self._ends.append(now)
                self._seconds += event.seconds
                if event.error is not None:
                    self.failures.append(event)
                best = self.best.validation if self.best else None
                if event.validation is not None and (best is None or event.validation > best):
                    self.best = event

    @property
    def trained(self) -> int:
        """Runs that this execution has recorded."""
        return sum(self.states.values())

    @property
    def done(self) -> int:
        """Runs that have a record."""
        return min(self.total, max(self.recorded, self.skipped) + self.trained)

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all runs have a record, from the throughput; None if unknown."""
        left = self.total - self.done
        if left == 0:
            return 0.0
        if not self.trained:
            return None
        if len(self._ends) > 2 * self.workers:
            pace = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        else:  # the first runs end together: take their mean length
            pace = self._seconds / self.trained / self.workers
        return max(pace * left - (now - self._ends[-1]), pace)
