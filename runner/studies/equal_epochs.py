"""The epochs that fit the baseline's time, from the recorded seconds of each arm's fixed runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.analysis.cost import paired_ratio
from runner.designs.factor import level_names
from runner.records.study_toml import StoredEpochs
from runner.studies.as_experiment import as_experiment
from runner.studies.equal_time import base, equal_epochs

if TYPE_CHECKING:
    import pandas

    from runner.designs.factor import Arm
    from runner.records.studies import StoredStudy
    from runner.studies.any_study import AnyStudy, S


def chosen_now(
    study: AnyStudy[S], fixed: StoredStudy, runs: pandas.DataFrame
) -> tuple[StoredEpochs, ...]:
    """The epochs of each arm of `study` whose fixed runs have all succeeded or diverged.

    fixed: the stored study at this stage. runs: its recorded runs. The cost is the time column of
    the reports, over successful runs; an arm without them is left out. An arm whose cost does not
    differ clearly from the baseline's keeps the baseline's epochs.
    """
    experiment = as_experiment(fixed, runs)
    names = list(experiment.factors)
    ended = set(runs.loc[runs["state"].isin(("ok", "diverged")), "id"])
    planned: dict[Arm, set[str]] = {}
    for arm, spec in study.planned():
        planned.setdefault(arm, set()).add(spec.id)

    def codes(arm: Arm) -> tuple[int, ...]:
        levels = level_names(study.factors, arm)
        return tuple(
            experiment.factors[name].index(levels[name]) if name in levels else 0 for name in names
        )

    own = base(study)
    found = []
    for arm, ids in planned.items():
        if not (ids | planned[own]) <= ended:
            continue
        cost = paired_ratio(experiment, codes(arm), codes(own))
        if cost is None:
            continue
        epochs = study.epochs
        levels = level_names(study.factors, arm)
        first = level_names(study.factors, (0,) * len(arm))
        found.append(
            StoredEpochs(
                levels={name: level for name, level in levels.items() if level != first[name]},
                epochs=equal_epochs(epochs, cost.ratio) if cost.differs else epochs,
                ratio=round(cost.ratio, 6),
                low=None if cost.low is None else round(cost.low, 6),
                high=None if cost.high is None else round(cost.high, 6),
                runs=cost.runs,
            )
        )
    return tuple(found)
