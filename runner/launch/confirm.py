"""run --confirm: the winner of a study again, on fresh seeds, beside what the study had promised.

The best of many arms is lucky as well as good: the best of twelve tricks that do nothing shows
+0.48 pp at one seed. So the winner, chosen on validation, and the baseline are trained on seeds
that no other study draws; the effect there is an honest one, on validation and on test.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.add_one import AddOne
from runner.records.store import Store
from runner.records.studies import load_study
from runner.studies.asked import Asked, from_stored
from runner.studies.script_study import check_chooses
from runner.studies.winner import promise_notes, winner
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy

SEEDS = 5
SUFFIX = "-confirm"


def confirming(name: str | None, results: Path, changed: bool) -> Asked:
    """The study that runs the winner of `name` (the latest without one) again.

    A study that itself confirms another stands for that one. changed: whether flags were given
    that would make it another study. Raises BadInput if there is no winner.
    """
    if changed:
        raise BadInput(
            "--confirm runs a winner again as it was: only --study, --seeds and --name go with it"
        )
    if name is not None and (name.endswith(".toml") or "/" in name):
        raise BadInput(f"--confirm needs a study with recorded runs, by its name, not {name}")
    store = Store(results, create=False)
    stored = load_study(store, name)
    if stored.asked.confirm:
        stored = load_study(store, stored.asked.confirm.study)
    from runner.records.table import table

    file = store.root / "studies" / stored.name / "study.toml"
    asked = from_stored(stored.asked, file)
    if asked.script is not None:
        check_chooses(asked.script, ("--confirm",))
    if asked.tune:
        raise BadInput(f"{stored.name} tuned each arm: its winner cannot be run again by --confirm")
    if asked.equal:
        raise BadInput(f"{stored.name} is of equal time: its winner cannot be run by --confirm")
    found = winner(stored, table(store, stored))
    return Asked(
        name=f"{stored.name}{SUFFIX}",
        task=asked.task,
        grid=AddOne.name,
        tricks=asked.tricks,
        factor=asked.factor,
        levels=asked.levels,
        set=asked.set,
        placebo=asked.placebo,
        script=asked.script,
        seeds=SEEDS,
        confirm=found,
    )


def promise(study: AnyStudy[Spec], results: Path) -> list[str]:
    """The promised effect and that on fresh seeds, a line a metric, once there are runs."""
    from runner.records.table import table

    store = Store(results, create=False)
    stored = load_study(store, study.name)
    runs = table(store, stored)
    return [] if runs.empty else promise_notes(stored, runs)
