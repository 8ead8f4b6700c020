"""The progress and outcome of `run` on the screen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

import typer

from runner.commands.json_output import print_json
from runner.commands.look_text import end_lines, look_line
from runner.execution.progress import Progress
from runner.launch.outcome import Outcome, failed, reportable
from runner.launch.resume_command import go_on, places
from runner.records.json_values import JsonValue
from runner.records.layout import results_option
from runner.streams import Expendable
from runner.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from runner.execution.events import Summary
    from runner.launch.options import Options
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy
    from runner.studies.judged import Look

OUT_OF_TIME = 75  # exit code EX_TEMPFAIL of sysexits.h: run the command again
INTERRUPTED = 130


class Console:
    """Prints each step. With `json`, steps go to stderr and the outcome to stdout as JSON."""

    def __init__(self, options: Options, json: bool) -> None:
        self.options = options
        self.json = json
        stream = Expendable(sys.stderr if json else sys.stdout)
        self.stream: TextIO = stream  # type: ignore[assignment]

    def say(self, line: str) -> None:
        """Print a line at once, since the next step may take long."""
        print(line, file=self.stream, flush=True)

    def training(self, total: int, recorded: int, workers: int, results: Path) -> Progress:
        """A live view on a terminal; elsewhere one line per finished run."""
        return Progress(total, recorded, workers, results, self.stream)

    def looked(self, study: AnyStudy[Spec], look: Look) -> None:
        """Print one line for each look."""
        self.say(look_line(study, look))

    def trained(self, outcome: Outcome) -> None:
        """Print the outcome and the next command."""
        study, results = outcome.study, self.options.results
        if outcome.ended == "submitted":
            self.say(jobs_go_on(study.name, results))
        if study.looks is not None:
            if outcome.ended == "interrupted":
                self.say(self._going_on(outcome))
            else:
                for line in end_lines(outcome, results):
                    self.say(line)
        if self.json:
            print_json(_looks_json(outcome) if study.looks else _counts(outcome))
            return
        if study.looks is None:
            self._summary(outcome)
        for line in outcome.promise:
            self.say(line)

    def _summary(self, outcome: Outcome) -> None:
        study, [summary] = outcome.study, outcome.summaries
        if outcome.ended == "submitted":
            return
        self.say(f"{study.name}: {_counts_text(summary)}")
        if outcome.ended == "interrupted":
            self.say(self._going_on(outcome))
            return
        where = results_option(self.options.results)
        bad = failed(summary)
        if bad:
            them = "it" if bad == 1 else "them"
            self.say(
                f"{counted(bad, 'run')} failed: `tricks-bench status {study.name}{where}` says "
                f"why, `tricks-bench retry {study.name}{where}` lets `run` train {them} again"
            )
        if reportable(study, self.options.results):
            self.say(f"`tricks-bench report {study.name}{where}` writes the report")

    def _going_on(self, outcome: Outcome) -> str:
        study, options = outcome.study, self.options
        why = "the time limit is reached" if outcome.out_of_time else "interrupted"
        found = places(study, options.plugins)
        again = go_on(study.name, options.results, found, options.device)
        if options.jobs is None:
            return f"{why}: `{again}` continues from here"
        again += f" --engine {options.engine} --jobs {options.jobs.count}"
        for key, value in options.jobs.parameters.items():
            again += f" --slurm {shlex.quote(f'{key}={value}')}"
        if outcome.out_of_time:
            return f"{why}, its jobs as well: `{again}` continues from here"
        return f"{why}: {jobs_go_on(study.name, options.results)}, `{again}` waits for them again"


def jobs_go_on(name: str, results: Path) -> str:
    """The commands for jobs that no `run` waits for."""
    where = results_option(results)
    return (
        f"its jobs continue: `tricks-bench status {name}{where}` shows how far they are, "
        f"`tricks-bench cancel {name}{where}` ends them"
    )


def asking(json: bool) -> Callable[[], bool] | None:
    """A function that asks on the terminal whether to start; None without a terminal."""
    if not (sys.stdin.isatty() and (sys.stderr if json else sys.stdout).isatty()):
        return None
    return lambda: typer.confirm("start?", default=True, err=json)


def exit_code(outcome: Outcome) -> int:
    """0 done or declined, 1 some runs failed, 75 time limit reached, 130 interrupted."""
    if outcome.ended == "interrupted":
        return OUT_OF_TIME if outcome.out_of_time else INTERRUPTED
    again = outcome.weights
    if again is not None and again.interrupted:
        return OUT_OF_TIME if again.out_of_time else INTERRUPTED
    return int(bool(outcome.failed or (again is not None and (again.failed or again.infra))))


def _counts_text(summary: Summary) -> str:
    counts = {
        "ok": summary.ok,
        "diverged": summary.diverged,
        "failed": summary.failed,
        "infra": summary.infra,
        "recorded before": summary.skipped,
    }
    text = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    return text or "no run finished"


def _counts(outcome: Outcome) -> Mapping[str, JsonValue]:
    [summary] = outcome.summaries
    return {
        "study": outcome.study.name,
        "ok": summary.ok,
        "diverged": summary.diverged,
        "failed": summary.failed,
        "infra": summary.infra,
        "recorded_before": summary.skipped,
        "interrupted": summary.interrupted,
        "out_of_time": summary.out_of_time,
        "paused": summary.paused,
    }


def _looks_json(outcome: Outcome) -> Mapping[str, JsonValue]:
    looks = [
        {
            "look": look.number, "seeds": look.seeds, "effects": look.effects,
            "open": list(look.open), "unknown": list(look.unknown), "wanted": look.wanted,
            "reason": look.reason,
        }
        for look in outcome.looks
    ]  # fmt: skip
    return {"study": outcome.study.name, "stopped": outcome.ended, "looks": looks}
