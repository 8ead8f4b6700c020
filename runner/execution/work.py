"""What a run does: a picklable callable, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Required, TypeAlias, TypedDict, runtime_checkable

from runner.execution.pausing import Pausing
from runner.records.json_values import JsonValue
from runner.records.run import Run


class Figures(TypedDict, total=False):
    """Of an epoch, counted from 1. Accuracies in per cent; a loss that is no number is None."""

    epoch: Required[int]
    loss: float | None
    val_loss: float | None
    val_accuracy: float
    probe_accuracy: float  # on clean training images
    lr: float  # of its last step
    grad_norm: float | None  # mean over its steps before clipping, where the recipe clips
    grad_norm_max: float | None


Emit: TypeAlias = Callable[[Figures], None]
# A module to import, or a function "module:function" to call with arguments that JSON can hold.
Preload: TypeAlias = str | tuple[str, Sequence[JsonValue]]


@dataclass(frozen=True)
class Outcome:
    """What came of a run that ended by itself.

    state: ok or diverged. fields: JSON values that the record keeps. validation: the figure that
    progress shows, in per cent. seconds: of the whole run, with attempts that it went on from.
    predictions: those on the test images, for the file beside the record (see `Store.commit`).
    """

    state: str
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    validation: float | None = None
    seconds: float = 0.0
    predictions: bytes | None = None


@dataclass(frozen=True)
class Room:
    """What a run has of the machine that it is carried out on.

    device: cpu or cuda. at_a_time: runs that share the GPU, or the cores. cores: for this one.
    """

    device: str
    at_a_time: int
    cores: int


class Sent(Protocol):
    """A work on its way to a machine that shares no folder with this one. Picklable."""

    def unpacked(self, root: Path, room: Room) -> Work:
        """The same work there, which writes below the folder `root` as into a store.

        Raises BadInput for data that are not there.
        """
        ...


class Work(Protocol):
    """Carries out runs of one kind, in whichever process an engine calls it."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        """Carry out `run`; `emit` gets the figures of each epoch, if there are epochs.

        pausing: where the checkpoint is, and when to write one; None: write none. A work without
        checkpoints ignores it. Raises Paused if it left at a checkpoint, BadInput for what the
        user has to mend, and anything else for a run that failed.
        """
        ...

    def preload(self) -> Sequence[Preload]:
        """What processes can import and call once for all runs."""
        ...


class Movable(Work, Protocol):
    """A work that other machines can carry out, too."""

    @property
    def gpus(self) -> tuple[str, ...]:
        """Those that its processes share, by their names for CUDA_VISIBLE_DEVICES."""
        ...

    @property
    def device(self) -> str:
        """auto, cpu, cuda or cuda:N, as it was asked for."""
        ...

    def here(self, workers: int, say: Callable[[str], None]) -> Movable:
        """The same on this machine, by so many processes.

        say: takes a line on what differs here. Raises BadInput for what is not here: a GPU, a
        plug-in, data.
        """
        ...


@runtime_checkable
class Portable(Protocol):
    """A work that can be carried out on machines that share no folder with this one."""

    def sent(self) -> Sent:
        """The work, for such machines."""
        ...
