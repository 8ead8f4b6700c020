"""Studies of recipes on images: the steps before and after their training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from runner.launch.changed_plugins import changed
from runner.launch.executing import work_of
from runner.launch.images import caches, decoded_first, image_lines, looked_at
from runner.launch.kind import Prepared, Trainer
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.resume_command import places
from runner.launch.todo import Todo
from runner.launch.weights import complete, saving, without
from runner.planning.checked import check_line
from runner.planning.hours import Hours, by_records, by_steps, none_left, standing

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.execution.limits import Limits
    from runner.records.json_values import JsonValue
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study


@dataclass(frozen=True)
class Recipes:
    """A study of recipes; see `Kind`."""

    study: Study

    def begin(self, options: Options, listener: Listener) -> None:
        """Decode images whose content is unknown."""
        decoded_first(self.study, options, listener)

    def remarks(self, store: Store | None, options: Options) -> Iterable[str]:
        """Lines about the images, the study, and the check of its baseline."""
        study = self.study
        asked = structs.replace(study.as_stored(), places=places(study, options.plugins))
        checked = check_line(store, asked, study.identity, study.seeds)
        return (*image_lines(study), *study.notes, *((checked,) if checked else ()))

    def hours(
        self, options: Options, runs: int, missing: Sequence[RunSpec], store: Store | None
    ) -> Hours:
        """The hours, from records or, with --estimate, from steps measured now."""
        study, workers = self.study, options.workers
        if not runs:
            return none_left(workers)
        if options.estimate:
            held = looked_at(study)
            return by_steps(study, runs, workers, options.device, options.plugins, held)
        specs = missing or standing(study)
        return by_records(study, specs, runs, workers, store, options.on_gpu)

    def recorded(self, store: Store) -> int | None:
        """The number of runs with a record, found by looking up the runs of each record."""
        from runner.studies.recorded import recorded

        return recorded(self.study, store.states(), store.record)

    def prepared(
        self, wanted: Todo[RunSpec], store: Store | None, options: Options, listener: Listener
    ) -> Prepared | None:
        """Build the networks, measure a few steps, decode the images."""
        from runner.launch.preparing import limits

        for line in changed(wanted.specs, store, wanted.states):
            listener.say(line)
        work = work_of(self.study, wanted.specs, options)
        within: Limits | None = options.limits
        if wanted.missing:
            work = replace(work, caches=caches(self.study, wanted.missing, options, listener))
            within = limits(self.study, wanted, store, work, options, listener)

        def into(store: Store) -> Trainer:
            return saving(work, options.save_models, store, self.study)

        return None if within is None else Prepared(within, into)

    def without_weights(self, options: Options, store: Store | None) -> int:
        """The number of recorded runs without files of weights."""
        return len(without(self.study, options.save_models, store))

    def complete(self, options: Options, listener: Listener) -> Summary | None:
        """Train runs without weights again, in a temporary store."""
        return complete(self.study, options, listener)

    def after(self, options: Options) -> Iterable[str]:
        """Nothing."""
        return ()

    def dry_run(self) -> Iterable[str]:
        """Lines about the images, if they are the user's own."""
        return image_lines(self.study)

    def dry_run_json(self) -> dict[str, JsonValue]:
        """The same."""
        if self.study.found is None:
            return {}
        from runner.images.summary import summary_json

        return {"images": summary_json(self.study.found)}
