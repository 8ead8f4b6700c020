"""Train the missing runs of a study, in one go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from runner.launch.equal_time import epoch_lines, freeze
from runner.launch.executing import executed, submitted
from runner.launch.kinds import kind_of
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.outcome import both
from runner.launch.resume_command import places
from runner.launch.room import check_writable
from runner.launch.todo import todo
from runner.launch.tuned import chosen_line
from runner.records.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.execution.events import Summary
    from runner.studies.any_study import AnyStudy, S


def train(
    study: AnyStudy[S], store: Store | None, options: Options, listener: Listener
) -> Summary | None:
    """Train the runs of `study` that `store` lacks; None if the user declined to start a long grid.

    In a study with stages, arms that have chosen by then are also trained at their own value.
    Raises BadInput, before anything is written, for runs that cannot be trained or recorded.
    """
    from runner.records.studies import save_study

    check_writable(options.results)
    wanted = todo(study, store)
    prepared = kind_of(study).prepared(wanted, store, options, listener)
    if prepared is None:
        return None
    options = replace(options, limits=prepared.limits)
    store = Store(options.results)
    asked = msgspec.structs.replace(study.as_stored(), places=places(study, options.plugins))
    work = prepared.work(store)

    def trained(specs: Sequence[S], recorded: int) -> Summary:
        return executed(specs, store, work, options, listener, recorded=recorded)

    save_study(store, study.name, asked, wanted.rows)
    if options.jobs is not None and options.jobs.detach:
        return submitted(wanted.specs, store, work, options, listener)
    summary = trained(wanted.specs, len(wanted.specs) - len(wanted.missing))
    if not wanted.to_choose or summary.interrupted:
        return summary
    if summary.asked_to_stop:  # during the last run: do not start the next stage
        return replace(summary, interrupted=True)
    if study.equal_time:
        freeze(study, store, asked)
    chosen = todo(study, store)
    save_study(store, study.name, asked, chosen.rows)
    lines = epoch_lines(study, store, chosen) if study.equal_time else [chosen_line(study, chosen)]
    for line in lines:
        listener.say(line)
    known = {spec.id for spec in wanted.specs}
    tuned = [spec for spec in chosen.specs if spec.id not in known]
    if not tuned:
        return summary
    recorded = sum(chosen.states.get(spec.id, "infra") != "infra" for spec in tuned)
    return both(summary, trained(tuned, recorded))
