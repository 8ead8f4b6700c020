"""How long a grid will take, said before it starts if that is long."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from runner.execution.progress import duration
from runner.records.spec import canonical
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.study import Study

LONG = 600.0  # seconds from which a grid is said to be long
FEW = 12  # runs: for fewer, a few steps of one stand for all
SAMPLE = 4  # runs of which a few steps are measured
LOOKED_AT = 200  # records of other studies


def forecast(plan: Study, runs: int, seconds: float, workers: int) -> str | None:
    """A sentence on how long `runs` of `seconds` each will take, or None if under ten minutes."""
    total = seconds * max(runs / workers, 1)
    if total <= LONG:
        return None
    each = f"{runs:,} runs of about {duration(seconds)}, {workers} at a time"
    text = f"this will take about {duration(total)}"
    if runs > 1:
        text += f": {each}"
    arms = _fraction(plan)
    if arms:
        sooner = duration(seconds * arms * plan.seeds / workers)
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
    data = json.dumps(canonical(missing[0].data), sort_keys=True)
    ids = dict.fromkeys(spec.id for spec in done)
    ids.update(dict.fromkeys(states))
    epochs = sum(spec.recipe.epochs for spec in missing) / len(missing)
    wanted = {spec.recipe.model for spec in missing}
    found: dict[str, list[float]] = {}
    for id in islice((id for id in ids if states.get(id) == "ok"), LOOKED_AT):
        record = store.read(id)
        if record is None or json.dumps(canonical(record["data"]), sort_keys=True) != data:
            continue
        recipe = record["recipe"]
        seconds = (record.get("seconds") or {}).get("total")
        if recipe.get("model") in wanted and seconds and recipe.get("epochs"):
            found.setdefault(recipe["model"], []).append(seconds / recipe["epochs"])
    if found.keys() != wanted:
        return None
    each = [epochs * sum(times) / len(times) for times in found.values()]
    return sum(each) / len(each)


def _fraction(plan: Study) -> int:
    """The arms of the fraction over the same factors; 0 if it is no way out."""
    from runner import designs

    if plan.grid != "full":
        return 0
    try:
        return designs.make("fraction", plan.factors, plan.baseline).count
    except BadInput:
        return 0
