"""run --confirm: the winner of a study again, on fresh seeds, beside what the study had promised.

The best of many arms is lucky as well as good: the best of twelve tricks that do nothing shows
+0.48 pp at one seed. So the winner, chosen on validation, and the baseline are trained on seeds
that no other study draws; the effect there is an honest one, on validation and on test.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.store import Store
from runner.records.studies import load_study
from runner.studies.asked import Asked, from_stored
from runner.studies.winner import promise_notes, winner
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.studies.study import Study

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
    study = load_study(store, name)
    if study.asked.get("confirm"):
        study = load_study(store, study.asked["confirm"]["study"])
    from runner.records.table import table

    file = store.root / "studies" / study.name / "study.toml"
    asked = from_stored(study.asked, file)
    if asked.tune:
        raise BadInput(f"{study.name} tuned each arm: its winner cannot be run again by --confirm")
    found = winner(study, table(store, study))
    return Asked(
        name=f"{study.name}{SUFFIX}",
        task=asked.task,
        grid="add-one",
        tricks=asked.tricks,
        factor=asked.factor,
        levels=asked.levels,
        set=asked.set,
        placebo=asked.placebo,
        seeds=SEEDS,
        confirm=found,
    )


def say_promise(plan: Study, results: Path) -> None:
    """Print the promise and what came of it, once there are runs."""
    from runner.records.table import table

    store = Store(results, create=False)
    study = load_study(store, plan.name)
    runs = table(store, study)
    if not runs.empty:
        for note in promise_notes(study, runs):
            print(note)
