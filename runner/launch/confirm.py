"""run --confirm: train a study's winner again on fresh seeds, and compare with its promised effect.

The best of many arms is lucky as well as good: the best of twelve tricks that do nothing shows
+0.48 pp at one seed. So the winner, chosen on validation, and the baseline are trained on seeds
that no other study draws. The effect on these seeds is unbiased, on validation and on test.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.add_one import AddOne
from runner.records.store import Store
from runner.records.studies import load_study
from runner.studies.asked import Asked, from_stored
from runner.studies.confirm import Winner
from runner.studies.script_study import check_chooses
from runner.studies.winner import promise_notes, winner
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy

SUFFIX = "-confirm"


def confirming(name: str | None, results: Path, changed: bool) -> Asked:
    """The study that trains the winner of `name` (None: the latest study) again.

    A study that itself confirms a study stands for the confirmed study. changed: whether flags were
    given that would change the study. Raises BadInput if there is no winner.
    """
    if changed:
        raise BadInput(
            "--confirm trains a winner again without changes: only --study, --seeds and --name "
            "go with it"
        )
    if name is not None and (name.endswith(".toml") or "/" in name):
        raise BadInput(f"--confirm needs the name of a study with recorded runs, not {name}")
    store = Store(results, create=False)
    stored = load_study(store, name)
    if stored.asked.confirm:
        stored = load_study(store, stored.asked.confirm.study)
    from runner.records.run_frames import table

    file = store.root / "studies" / stored.name / "study.toml"
    asked = from_stored(stored.asked, file)
    if asked.script is not None:
        check_chooses(asked.script, ("--confirm",))
    if asked.tune:
        raise BadInput(
            f"{stored.name} tuned each arm: --confirm cannot train the winner of such a study"
        )
    if asked.equal:
        raise BadInput(
            f"{stored.name} is a study of equal time: --confirm cannot train the "
            "winner of such a study"
        )
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
        seeds=Winner.default_seeds,
        confirm=found,
    )


def promise(study: AnyStudy[Spec], results: Path) -> list[str]:
    """The promised effect and the effect on fresh seeds, one line per metric; [] without runs."""
    from runner.records.run_frames import table

    store = Store(results, create=False)
    stored = load_study(store, study.name)
    runs = table(store, stored)
    return [] if runs.empty else promise_notes(stored, runs)
