"""The epochs of each arm at equal time: chosen once, then kept with the study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.text import counted

if TYPE_CHECKING:
    from runner.launch.todo import Todo
    from runner.records.store import Store
    from runner.records.study_toml import StoredEpochs, StudyToml
    from runner.studies.any_study import AnyStudy, S

NAMED = 6  # arms that a line names


def freeze(study: AnyStudy[S], store: Store, asked: StudyToml) -> None:
    """Choose the epochs of the arms whose fixed runs are done, and keep them with the study.

    Earlier choices stay, also a choice that another process has made meanwhile.
    """
    from runner.records.run_frames import table
    from runner.records.studies import load_study, save_study
    from runner.studies.equal_epochs import chosen_now

    held = load_study(store, study.name)
    fixed = held.of_stage("fixed")
    found = chosen_now(study, fixed, table(store, fixed))
    save_study(store, study.name, replace(asked, equal_epochs=found or None), [])


def epoch_lines(study: AnyStudy[S], store: Store, known: Todo[S]) -> Iterator[str]:
    """Lines about the epochs of the arms, and about arms without a choice."""
    from runner.studies.equal_time import equal_epochs
    from runner.studies.staged import chosen

    epochs = study.epochs
    others = [arm for arm in chosen(study, store) if arm.epochs != epochs]
    named = ", ".join(map(_named, others[:NAMED]))
    more = f" and {len(others) - NAMED:,} more arms" if len(others) > NAMED else ""
    yield (
        f"equal time: {named}{more}; all other arms {epochs}, as the baseline"
        if others
        else f"equal time: every arm keeps the baseline's {epochs} epochs"
    )
    unsure = [
        arm
        for arm in chosen(study, store)
        if arm.epochs == epochs != equal_epochs(epochs, arm.ratio)
    ]
    if unsure:
        yield (
            f"with these seeds the cost of {', '.join(map(_named, unsure[:NAMED]))} does not "
            "differ clearly from the baseline's"
        )
    arms = {tuple(row[f.name] for f in study.factors): row["stage"] for row in known.rows}
    lost = sum(stage == "fixed" for stage in arms.values())
    if known.to_choose:
        yield (
            f"{known.to_choose:,} runs of equal time wait for arms with failed or missing runs at "
            "the baseline's epochs"
        )
    elif lost:
        yield f"{counted(lost, 'arm')} left out of equal time: all runs at these epochs diverged"


def _named(arm: StoredEpochs) -> str:
    levels = [name if level == "on" else f"{name}={level}" for name, level in arm.levels.items()]
    return f"{' + '.join(levels) or 'baseline'} {arm.epochs} epochs ({arm.ratio:.2f}×)"
