"""Work: a picklable callable that carries out a run, and the types of its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Required, TypeAlias, TypedDict, runtime_checkable

from runner.execution.pausing import Pausing
from runner.records.json_values import JsonValue
from runner.records.run import Run


class Figures(TypedDict, total=False):
    """Metrics of an epoch (counted from 1). Accuracies in per cent; a loss of NaN is None."""

    epoch: Required[int]
    loss: float | None
    val_loss: float | None
    val_accuracy: float
    probe_accuracy: float  # on clean training images
    lr: float  # of its last step
    grad_norm: float | None  # mean over its steps before clipping, if the recipe clips
    grad_norm_max: float | None


Emit: TypeAlias = Callable[[Figures], None]
# A module to import, or a function "module:function" to call with JSON values as arguments.
Preload: TypeAlias = str | tuple[str, Sequence[JsonValue]]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run that ended by itself.

    state: ok or diverged. fields: JSON values for the record. validation: accuracy for the progress
    display, in per cent. seconds: of the whole run, with interrupted attempts that it continued.
    predictions: on the test images, for the file beside the record (see `Store.commit`).
    packages: installed where the run was carried out, see `records.environments`.
    """

    state: str
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    validation: float | None = None
    seconds: float = 0.0
    predictions: bytes | None = None
    packages: str = ""


@dataclass(frozen=True)
class Room:
    """A run's share of its machine.

    device: cpu or cuda. at_a_time: runs that share the GPU, or the cores. cores: for this run.
    """

    device: str
    at_a_time: int
    cores: int


class Sent(Protocol):
    """A work that is sent to a machine without shared folders. Picklable."""

    def unpacked(self, root: Path, room: Room) -> Work:
        """The work on that machine; it writes below the folder `root` as into a store.

        Raises BadInput for missing data.
        """
        ...


class Work(Protocol):
    """Carries out runs of one kind, in any process of an engine."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        """Carry out `run`; `emit` gets the figures of each epoch, if there are epochs.

        pausing: the place of the checkpoint, and when to write it; None: write none. A work without
        checkpoints ignores it. Raises Paused if it stopped at a checkpoint, BadInput for a mistake
        of the user, and any other exception for a failed run.
        """
        ...

    def preload(self) -> Sequence[Preload]:
        """Modules to import and functions to call, once per process for all its runs."""
        ...


class Movable(Work, Protocol):
    """A work that other machines can carry out too."""

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs that its processes share, as names for CUDA_VISIBLE_DEVICES."""
        ...

    @property
    def device(self) -> str:
        """The requested device: auto, cpu, cuda or cuda:N."""
        ...

    def here(self, workers: int, say: Callable[[str], None]) -> Movable:
        """The work on this machine, by `workers` processes.

        say: receives a line about differences to the first machine. Raises BadInput for a missing
        GPU, plug-in or data.
        """
        ...


@runtime_checkable
class Portable(Protocol):
    """A work that machines without shared folders can carry out."""

    def sent(self) -> Sent:
        """The work in a form for such machines."""
        ...
