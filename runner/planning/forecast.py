"""How long a grid will take, said before it starts if that is long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from runner.planning.costs import Costs, mean_seconds
from runner.records.spec import canonical
from runner.text import counted, duration
from tricks.errors import BadInput
from tricks.recipe import to_json

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study

LONG = 600.0  # seconds from which a grid is said to be long
FEW = 12  # runs: for fewer, a few steps of one stand for all
SAMPLE = 4  # runs of which a few steps are measured
LOOKED_AT = 200  # records of other studies


def forecast(study: Study, runs: int, seconds: float, workers: int) -> str | None:
    """A sentence on how long `runs` of `seconds` each will take, or None if under ten minutes."""
    total = seconds * max(runs / workers, 1)
    if total <= LONG:
        return None
    each = f"{counted(runs, 'run')} of about {duration(seconds)}, {workers} at a time"
    text = f"this will take about {duration(total)}"
    if runs > 1:
        text += f": {each}"
    arms = _fraction(study)
    if arms:
        sooner = duration(seconds * arms * study.seeds / workers)
        text += f"\n--grid fraction estimates every trick's average effect in about {sooner}"
    return text


def sample(missing: Sequence[RunSpec]) -> list[RunSpec]:
    """The runs that stand for all: the first, or some spread over the grid."""
    if len(missing) < FEW:
        return list(missing[:1])
    return list(missing[:: max(1, len(missing) // SAMPLE)][:SAMPLE])


def recorded_seconds(
    missing: Sequence[RunSpec], done: Sequence[RunSpec], store: Store, states: Mapping[str, str]
) -> float | None:
    """Mean seconds of a run by the records of like ones; None if the store has none.

    Like ones are of the same images and the same models; `done` are those of the same study.
    """
    costs = recorded_costs(missing[0], [spec.id for spec in done], store, states)
    return mean_seconds(costs, [to_json(spec.recipe) for spec in missing[:LOOKED_AT]])[0]


def recorded_costs(
    like: RunSpec, first: Iterable[str], store: Store, states: Mapping[str, str], gpu: bool = False
) -> Costs:
    """What runs on the images of `like` cost, by the records of some: those of `first` first."""
    data = json.dumps(canonical(like.data), sort_keys=True)
    ids = dict.fromkeys(id for id in (*first, *states) if states.get(id) == "ok")
    seen = []
    for id in islice(ids, LOOKED_AT):
        record = store.read(id)
        if record is None or json.dumps(canonical(record.get("data")), sort_keys=True) != data:
            continue
        recipe, seconds = record.get("recipe") or {}, (record.get("seconds") or {}).get("total")
        if (record.get("device") or "cpu").startswith("cpu") == gpu or not recipe.get("epochs"):
            continue
        if seconds:
            whole = max(seconds, record.get("wall_seconds") or 0.0)  # with what is around training
            seen.append((recipe, whole / recipe["epochs"]))
    return Costs(seen)


def _fraction(study: Study) -> int:
    """The arms of the fraction over the same factors; 0 if it is no way out."""
    from runner.designs import registry as designs
    from runner.designs.fraction import Fraction

    if not study.design.crossed:
        return 0
    try:
        return designs.make(Fraction.name, study.factors, study.baseline).count
    except BadInput:
        return 0
