"""The runs of a study beside what a store holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.launch.tuned import list_runs

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study


@dataclass(frozen=True)
class Todo:
    """The runs of a study that are known, and those of them that have to be trained.

    rows: of the study's table, one a run. specs: by id. missing: without a record that stands.
    to_choose: tuned runs that are still unknown, as their arms have not chosen. states: of all
    records of the store, by id.
    """

    rows: tuple[dict[str, Any], ...]
    specs: Mapping[str, RunSpec]
    missing: tuple[RunSpec, ...]
    to_choose: int
    states: Mapping[str, str]

    @property
    def count(self) -> int:
        """Runs to train, those still unknown included."""
        return len(self.missing) + self.to_choose


def todo(study: Study, store: Store | None) -> Todo:
    """What of `study` has to be trained; an infra record does not stand."""
    states = store.states() if store else {}
    planned, to_choose = list_runs(study, store)
    specs = {spec.id: spec for _, spec in planned}
    missing = tuple(s for s in specs.values() if states.get(s.id, "infra") == "infra")
    return Todo(tuple(row for row, _ in planned), specs, missing, to_choose, states)
