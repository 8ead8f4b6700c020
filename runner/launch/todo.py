"""The runs of a study beside what a store holds of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from runner.studies.any_study import AnyStudy, S

if TYPE_CHECKING:
    from runner.records.store import Store


@dataclass(frozen=True)
class Todo(Generic[S]):
    """The runs of a study that are known, and those of them that have to be trained.

    rows: of the study's table, one a run. specs: each run once. missing: without a record that
    stands. to_choose: tuned runs that are still unknown, as their arms have not chosen. states: of
    all records of the store, by id.
    """

    rows: tuple[Mapping[str, str | int], ...]
    specs: tuple[S, ...]
    missing: tuple[S, ...]
    to_choose: int
    states: Mapping[str, str]

    @property
    def count(self) -> int:
        """Runs to train, those still unknown included."""
        return len(self.missing) + self.to_choose


def todo(study: AnyStudy[S], store: Store | None) -> Todo[S]:
    """The runs of `study` that have to be trained; an infra record does not stand."""
    states = store.states() if store else {}
    if study.tuning is None:
        planned = [(study.row(arm, spec), spec) for arm, spec in study.planned()]
        to_choose = 0
    else:
        from runner.studies.tuning import known_runs, row

        known = known_runs(study, store.rows() if store else {})
        planned = [(row(study, run), run.spec) for run in known]
        stages = Counter(run.stage for run in known)
        to_choose = stages["fixed"] - stages["tuned"]
    specs = tuple({spec.id: spec for _, spec in planned}.values())
    missing = tuple(spec for spec in specs if states.get(spec.id, "infra") == "infra")
    return Todo(tuple(row for row, _ in planned), specs, missing, to_choose, states)
