"""Studies of scripts: the steps before and after their runs."""

from __future__ import annotations

import inspect
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner.execution.limits import RESERVE, STALL, lacks
from runner.launch.kind import Prepared, Trainer
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.todo import Todo
from runner.planning.hours import Hours, in_rounds, none_left
from runner.records import environments
from runner.records.json_values import JsonValue, canonical_text
from runner.scripts import command
from runner.scripts.command import Places
from runner.scripts.config_file import read
from runner.scripts.script_run import OUTPUTS, ScriptRun
from runner.scripts.spec import ScriptSpec, seed_of
from runner.text import printable
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.records.store import Store
    from runner.studies.script_study import ScriptStudy

LOOKED_AT = 256  # records
EXAMPLES = 40  # arms whose command a dry run shows


@dataclass(frozen=True)
class Scripts:
    """A study of a script; see `Kind`."""

    study: ScriptStudy

    def begin(self, options: Options, listener: Listener) -> None:
        """Raises BadInput for options that are for recipes, and for an unreadable config."""
        given = {
            "--save-models": options.save_models, "--cache-gb": options.cache_gb,
            "--estimate": options.estimate or None, "--plugin": options.plugins or None,
        }  # fmt: skip
        for flag, value in given.items():
            if value is not None:
                raise BadInput(f"{flag} is for studies of recipes: a script decides this itself")
        if self.study.script.config:
            read(self.study.folder / self.study.script.config)

    def remarks(self, store: Store | None, options: Options) -> Iterable[str]:
        """The study's own remarks."""
        return self.study.notes

    def hours(
        self, options: Options, runs: int, missing: Sequence[ScriptSpec], store: Store | None
    ) -> Hours:
        """The hours, from recorded runs of the same script."""
        if not runs:
            return none_left(options.workers)
        took = self._seconds(store)
        if took is None:
            return Hours(runs, options.workers, reason="no run of this script is recorded yet")
        return in_rounds(runs, options.workers, took, "recorded runs of this script")

    def recorded(self, store: Store) -> int | None:
        """The number of runs with a record; grids of scripts are small enough to list."""
        states = store.states()
        ids = {spec.id for _, spec in self.study.planned()}
        return sum(states.get(id, "infra") != "infra" for id in ids)

    def prepared(
        self,
        wanted: Todo[ScriptSpec],
        store: Store | None,
        options: Options,
        listener: Listener,
    ) -> Prepared | None:
        """Find the versions that the script's Python has installed; ask before a long grid."""
        from runner.launch.preparing import agreed

        lack = lacks(options.results, RESERVE)
        if lack:
            raise BadInput(f"{options.results} has no room: {lack}; free some space there")
        took = self._seconds(store) or 0.0
        limits = replace(options.limits, run=took)
        if wanted.missing and not agreed(self.study, wanted.count, took, options, listener):
            return None
        work = self._work(options)

        def into(store: Store) -> Trainer:
            return replace(work, outputs=str((store.root / OUTPUTS).absolute()))

        return Prepared(limits, into)

    def without_weights(self, options: Options, store: Store | None) -> int:
        """0: a script keeps its own weights."""
        return 0

    def complete(self, options: Options, listener: Listener) -> Summary | None:
        """Nothing."""
        return None

    def after(self, options: Options) -> Iterable[str]:
        """A line if seeds changed nothing."""
        from runner.records.run_frames import table
        from runner.studies.experiments import open_study
        from runner.studies.script_notes import identical

        store, stored = open_study(options.results, self.study.name)
        return identical(stored, table(store, stored))

    def dry_run(self) -> Iterator[str]:
        """One command of each arm, ready to be pasted into a shell."""
        for spec in self._examples():
            yield printable(f"  {' + '.join(spec.tricks) or 'baseline'}: {self.example(spec)}")
        if self.study.design.count > EXAMPLES:
            yield f"  and {self.study.design.count - EXAMPLES:,} more arms"

    def dry_run_json(self) -> dict[str, JsonValue]:
        """The same."""
        inputs = {"inputs": list(self.study.inputs), "digest": self.study.digest}
        return {"script": {**inputs, "commands": list(map(self.example, self._examples()))}}

    def _examples(self) -> Iterator[ScriptSpec]:
        """A run of each arm, or of the first arms of a larger grid."""
        for arm in islice(self.study.design, EXAMPLES):
            yield self.study.spec(arm, next(iter(self.study.design.seeds(arm, 1)), 0))

    def example(self, spec: ScriptSpec) -> str:
        """The command of a run, with an example of its folder."""
        script, change = self.study.script, spec.edits
        config = f"{OUTPUTS}/ID/config{Path(script.config).suffix}" if script.config else ""
        places = Places(seed_of(spec.seed, change.stream), f"{OUTPUTS}/ID", config)
        said = shlex.join(command.arguments(script, change, places))
        before = {**script.environment, **change.environment}
        variables = [f"{name}={shlex.quote(value)}" for name, value in before.items()]
        changes = [f"{key}={value}" for key, value in change.config.items()]
        after = f"  # {script.config} with {', '.join(changes)}" if changes else ""
        return " ".join([*variables, said]) + after

    def _seconds(self, store: Store | None) -> float | None:
        """Mean seconds of recorded runs of the script."""
        if store is None:
            return None
        data = canonical_text(self.study.identity)
        ids = [id for id, state in store.states().items() if state == "ok"]
        records = (store.record(id) for id in islice(reversed(ids), LOOKED_AT))
        took = [r.total_seconds for r in records if r and canonical_text(r.data) == data]
        return sum(took) / len(took) if took else None

    def _work(self, options: Options) -> ScriptRun:
        study, script = self.study, self.study.script
        asked = script.stall_minutes
        stall = options.limits.stall
        if asked is not None and stall == STALL:  # --stall-minutes overrides the study's file
            stall = 60 * asked
        work = ScriptRun(
            script,
            str(study.folder),
            str((options.results / OUTPUTS).absolute()),
            inputs=study.inputs,
            digest=study.digest,
            device=options.device,
            stall=stall,
            packages=_packages(command.words(script.run, "script.run")[0], study.folder),
        )
        return work.shared_out(options.workers) if options.alike else work


def _packages(program: str, folder: Path) -> str:
    """What the script's Python has installed, see `environments`; "" if `program` is no Python."""
    if not Path(program).name.startswith("python"):
        return ""
    ask = f"{inspect.getsource(environments.installed)}\nprint(installed(), end='')"
    try:
        done = subprocess.run(
            [program, "-c", ask], cwd=folder, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return done.stdout
