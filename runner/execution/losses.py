"""Whether a worker's machine seems broken: run after run is lost there, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.execution.failure import of_memory
from runner.records.record_schema import Error
from runner.records.run import Run, arm
from runner.text import counted

IN_A_ROW = 3  # losses, of two arms at least: one arm alone may be at fault itself


@dataclass
class Losses:
    """Runs that a worker lost to its surroundings, one after another.

    Memory that ran out does not count: mostly it is the run that needs too much. Nor does it
    count as well done.
    """

    count: int = 0
    arms: set[str] = field(default_factory=set)
    last: Error = field(default_factory=Error)

    def lost(self, run: Run, error: Error) -> None:
        """One more."""
        if not of_memory(error):
            self.count, self.last = self.count + 1, error
            self.arms.add(arm(run.label))

    def none(self) -> None:
        """A run ended by itself, or got further: the machine can train."""
        self.count = 0
        self.arms.clear()

    def why(self) -> str:
        """Why the machine should get no more runs; "": it may."""
        if self.count < IN_A_ROW or len(self.arms) < 2:
            return ""
        return f"{counted(self.count, 'run')} in a row were lost, the last by {self.last.reason()}"


def leaves(node: str, why: str) -> str:
    """A line on a machine that gets no more runs."""
    return f"{node} leaves the grid: {why}"
