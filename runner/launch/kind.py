"""Kind: the differences in training between studies of recipes and studies of scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from runner.execution.limits import Limits
from runner.execution.work import Work

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.launch.listener import Listener
    from runner.launch.options import Options
    from runner.launch.todo import Todo
    from runner.planning.hours import Hours
    from runner.records.json_values import JsonValue
    from runner.records.run import Spec
    from runner.records.store import Store

T = TypeVar("T", bound="Spec", contravariant=True)


class Trainer(Work, Protocol):
    """A work that knows the GPUs of its processes, as names for CUDA_VISIBLE_DEVICES."""

    @property
    def gpus(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Prepared:
    """limits: with the predicted seconds of a run. work: gives the work for a store."""

    limits: Limits
    work: Callable[[Store], Trainer]


class Kind(Protocol[T]):
    """One study, with the steps that depend on the kind of its runs."""

    def begin(self, options: Options, listener: Listener) -> None:
        """The step before the store is opened. Raises BadInput for data that cannot be read."""

    def remarks(self, store: Store | None, options: Options) -> Iterable[str]:
        """Lines for the user before anything is trained."""

    def hours(
        self, options: Options, runs: int, missing: Sequence[T], store: Store | None
    ) -> Hours:
        """The hours that `runs` runs take. missing: the runs that are known; empty: all alike."""

    def recorded(self, store: Store) -> int | None:
        """The number of runs with a valid record, without listing all runs; None: unknown."""

    def prepared(
        self, wanted: Todo[T], store: Store | None, options: Options, listener: Listener
    ) -> Prepared | None:
        """Limits and work of the study; None if the user declined to start a long grid.

        Raises BadInput for runs that cannot be trained, and for a disk without room.
        """

    def without_weights(self, options: Options, store: Store | None) -> int:
        """The number of recorded runs that would be trained again to keep their weights."""

    def complete(self, options: Options, listener: Listener) -> Summary | None:
        """Train runs without weights again; None if there are none."""

    def after(self, options: Options) -> Iterable[str]:
        """Lines for the user after the training."""

    def dry_run(self) -> Iterable[str]:
        """Lines for a dry run, about a single run."""

    def dry_run_json(self) -> dict[str, JsonValue]:
        """`dry_run` as JSON values."""
