"""Kind: what differs between studies of recipes and of scripts, where they are trained."""

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
    """A work that knows the GPUs which its processes share, by names for CUDA_VISIBLE_DEVICES."""

    @property
    def gpus(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Prepared:
    """limits: with what a run takes. work: what trains the runs, into a store."""

    limits: Limits
    work: Callable[[Store], Trainer]


class Kind(Protocol[T]):
    """One study, by the kind of its runs."""

    def begin(self, options: Options, listener: Listener) -> None:
        """Before its store is opened. Raises BadInput where data cannot be read."""

    def remarks(self, store: Store | None, options: Options) -> Iterable[str]:
        """Lines for the user before anything is trained."""

    def hours(
        self, options: Options, runs: int, missing: Sequence[T], store: Store | None
    ) -> Hours:
        """What `runs` of it will take; missing: those of them that are known, none: all alike."""

    def recorded(self, store: Store) -> int | None:
        """How many of its runs have a record that stands, without listing them; None: unknown."""

    def prepared(
        self, wanted: Todo[T], store: Store | None, options: Options, listener: Listener
    ) -> Prepared | None:
        """What trains it; None if a grid that takes long was not to be started.

        Raises BadInput for what cannot be trained or kept.
        """

    def without_weights(self, options: Options, store: Store | None) -> int:
        """Recorded runs that would be trained again for the weights that are to be kept."""

    def complete(self, options: Options, listener: Listener) -> Summary | None:
        """Train again what lacks its weights; None where nothing does."""

    def after(self, options: Options) -> Iterable[str]:
        """Lines for the user when all is trained."""

    def dry_run(self) -> Iterable[str]:
        """Lines on what a run is, for a dry run."""

    def dry_run_json(self) -> dict[str, JsonValue]:
        """The same for other programs."""
