"""Decides whether a worker's machine seems broken: several different runs in a row are lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from runner.execution.failure import of_memory
from runner.records.record_schema import Error
from runner.records.run import Run, arm
from runner.text import counted

IN_A_ROW = 3  # losses, of at least two arms: a single arm may itself be the cause


@dataclass
class Losses:
    """Runs in a row that a worker lost for a reason outside the training.

    A run that ran out of memory changes nothing: usually the run itself needs too much memory.
    """

    count: int = 0
    arms: set[str] = field(default_factory=set)
    last: Error = field(default_factory=Error)

    def lost(self, run: Run, error: Error) -> None:
        """Count a lost run, unless it ran out of memory."""
        if not of_memory(error):
            self.count, self.last = self.count + 1, error
            self.arms.add(arm(run.label))

    def none(self) -> None:
        """Begin again at zero: a run has ended by itself or made progress."""
        self.count = 0
        self.arms.clear()

    def why(self) -> str:
        """Why the machine should get no more runs; "" if it may get more."""
        if self.count < IN_A_ROW or len(self.arms) < 2:
            return ""
        return f"{counted(self.count, 'run')} in a row were lost, the last by {self.last.reason()}"


def leaves(node: str, why: str) -> str:
    """The line for the user about a machine that gets no more runs."""
    return f"{node} leaves the grid: {why}"
