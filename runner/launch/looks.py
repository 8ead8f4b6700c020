"""run --until: replicates of the design in a few planned looks, until all effects are decided.

Validation accuracy decides when to stop: stopping is a choice, and choices never use the test set.
The test metric still needs the same adjusted level. Validation and test accuracy of a run are
correlated, since both measure the same trained network. So runs whose luck stopped the study early
are lucky on test too. With correlation 1, a plain 95 % test interval after stopping would be wrong
as often as with naive peeking. An interval at the level of the looks holds at all looks at once,
whatever made the study stop. So every metric of such a study is analyzed at this level. A verdict
on test may then be undecided although validation was decided.

The level belongs to the plan (looks, budget, effects), and study.toml holds both. So a plan is
never changed under its name: other looks or more seeds are refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.outcome import Ended, Outcome
from runner.launch.todo import todo
from runner.launch.train import train
from runner.records.store import Store, existing
from runner.studies.judged import Look, judged

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.studies.any_study import AnyStudy, S


def train_looks(study: AnyStudy[S], options: Options, listener: Listener) -> Outcome:
    """Train look after look of `study` until it is decided or its budget ends.

    study: with the level of its looks. Recorded runs are not trained again, and only a look's own
    runs decide it. So a killed study that is run again comes to the same look.
    """
    assert study.looks is not None
    summaries: list[Summary] = []
    looks: list[Look] = []

    def outcome(ended: Ended) -> Outcome:
        return Outcome(study, ended, tuple(summaries), tuple(looks))

    leave = False  # asked to stop during the last runs of a look
    for number, seeds in enumerate(study.looks.seeds, 1):
        part = replace(study, seeds=seeds)
        store = existing(options.results)
        if todo(part, store).missing:
            summary = train(part, store, options, listener)
            if summary is None:
                return outcome("declined")
            summaries.append(summary)
            if summary.interrupted:
                return outcome("interrupted")
            options = replace(options, ask=None)
            leave = summary.asked_to_stop
        look = judged(part, number, Store(options.results, create=False))
        looks.append(look)
        listener.looked(study, look)
        if look.reason:
            return outcome("nothing to decide")
        if not look.open:
            return outcome("decided")
        if leave and number < len(study.looks.seeds):
            return outcome("interrupted")
    return outcome("budget")
