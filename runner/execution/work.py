"""What a run does: a picklable callable, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from runner.execution.pausing import Pausing
from runner.records.run import Run

Metrics: TypeAlias = Mapping[str, Any]  # of an epoch, by name; JSON values
Emit: TypeAlias = Callable[[dict[str, Any]], None]  # takes the metrics of an epoch
# A module to import, or a function "module:function" to call with arguments that JSON can hold.
Preload: TypeAlias = str | tuple[str, Sequence[Any]]


@dataclass(frozen=True)
class Outcome:
    """What came of a run that ended by itself.

    state: ok or diverged. fields: JSON values that the record keeps. validation: the figure that
    progress shows, in per cent. seconds: of the whole run, with attempts that it went on from.
    predictions: those on the test images, for the file beside the record (see `Store.commit`).
    """

    state: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    validation: float | None = None
    seconds: float = 0.0
    predictions: bytes | None = None


class Work(Protocol):
    """Carries out runs of one kind, in whichever process an engine calls it."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        """Carry out `run`; `emit` gets the metrics of each epoch, if there are epochs.

        pausing: where the checkpoint is, and when to write one; None: write none. A work without
        checkpoints ignores it. Raises Paused if it left at a checkpoint, BadInput for what the
        user has to mend, and anything else for a run that failed.
        """
        ...

    def preload(self) -> Sequence[Preload]:
        """What processes can import and call once for all runs."""
        ...
