"""The runs of a study, and which of them a store lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from runner.studies.any_study import AnyStudy, S

if TYPE_CHECKING:
    from runner.records.store import Store


@dataclass(frozen=True)
class Todo(Generic[S]):
    """The known runs of a study, and the runs to train.

    rows: of the study's table, one per run. specs: each run once. missing: runs without a valid
    record. to_choose: number of runs of the last stage that are unknown until their arms have
    chosen. states: of all records of the store, by id.
    """

    rows: tuple[Mapping[str, str | int], ...]
    specs: tuple[S, ...]
    missing: tuple[S, ...]
    to_choose: int
    states: Mapping[str, str]

    @property
    def count(self) -> int:
        """The number of runs to train, with runs that are still unknown."""
        return len(self.missing) + self.to_choose


def todo(study: AnyStudy[S], store: Store | None) -> Todo[S]:
    """The runs of `study`, and the runs to train: missing runs, and runs recorded as infra."""
    states = store.states() if store else {}
    if not study.staged:
        planned = [(study.row(arm, spec), spec) for arm, spec in study.planned()]
        to_choose = 0
    else:
        from runner.studies.stage_runs import row
        from runner.studies.staged import known

        found = known(study, store)
        planned = [(row(study, run), run.spec) for run in found.runs]
        to_choose = found.to_choose
    specs = tuple({spec.id: spec for _, spec in planned}.values())
    missing = tuple(spec for spec in specs if states.get(spec.id, "infra") == "infra")
    return Todo(tuple(row for row, _ in planned), specs, missing, to_choose, states)
