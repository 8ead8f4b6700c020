"""The stages of a tuned study or a study of equal time. Torch-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.records.studies import known_study
from runner.studies import equal_time, tuning
from runner.studies.stage_runs import Known

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.records.study_toml import StoredEpochs
    from runner.studies.any_study import AnyStudy, S


def known(study: AnyStudy[S], store: Store | None) -> Known[S]:
    """The known runs of a study with stages, given the records in `store`."""
    if study.equal_time:
        return equal_time.known_runs(study, chosen(study, store), store.states() if store else {})
    runs = tuning.known_runs(study, store.rows() if store else {})
    counts = [sum(run.stage == stage for run in runs) for stage in ("fixed", "tuned")]
    return Known(tuning.STAGES, tuple(runs), counts[0] - counts[1])


def chosen(study: AnyStudy[S], store: Store | None) -> tuple[StoredEpochs, ...]:
    """The equal-time epochs of the study's arms, as chosen in the store."""
    held = known_study(store, study.name)
    return () if held is None else held.asked.equal_epochs or ()


def size(study: AnyStudy[S]) -> int:
    """The number of runs of all stages, if no arm chooses the fixed value."""
    return 2 * study.runs if study.equal_time else tuning.size(study)
