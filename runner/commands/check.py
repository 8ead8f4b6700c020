"""check: whether a baseline is worth ablating."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.asked import StudyFlags, asked_study
from runner.commands.console import INTERRUPTED, OUT_OF_TIME, Console, asking
from runner.commands.json_output import print_json
from runner.commands.limits import asked_limits
from runner.commands.options import (
    AllowDuplicates,
    DataFolder,
    Device,
    DryRun,
    Json,
    Plugins,
    Results,
    load_plugins,
)
from runner.execution.machine import at_a_time
from runner.launch.options import Options
from runner.records.layout import RESULTS
from runner.text import aligned

if TYPE_CHECKING:
    from runner.launch.outcome import Outcome
    from runner.planning.checked import Checked


INTERVALS = "90 %, simultaneous over learning rates; 95 % for references"


class Quiet(Console):
    """The progress of a check's runs. The findings are printed at the end."""

    def trained(self, outcome: Outcome) -> None:
        """Print only failures."""
        if outcome.failed:
            name = outcome.study.name
            self.say(f"{outcome.failed:,} runs failed: see `tricks-bench status {name}`")


def check(
    task: Annotated[
        str | None, typer.Option(help="The task: see `list tasks`. [default: digits]")
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="The study whose baseline is checked: a TOML file or a name.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="The value of a field of the baseline, such as epochs=20. Repeatable."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            help="Seeds of the baseline, and of the baseline with twice its epochs. [default: 5]"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The check's name. [default: TASK-check or STUDY-check]")
    ] = None,
    results: Results = RESULTS,
    data: DataFolder = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Parallel runs. [default: one per core, or one per GPU]"),
    ] = None,
    device: Device = "auto",
    allow_duplicates: AllowDuplicates = False,
    plugin: Plugins = None,
    max_hours: Annotated[
        float | None,
        typer.Option(help="Stop after this time. Exit code 75; the same command continues."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before a long training.")
    ] = False,
    dry_run: DryRun = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Measure a few steps, and predict the hours."),
    ] = False,
    json: Json = False,
) -> int:
    """Is this baseline worth ablating? Some short runs answer, on validation.

    The check trains the baseline, four other learning rates, and twice the epochs, on seeds that no
    study uses. It compares the baseline with simple methods on the same split.

    \b
    tricks-bench check --task digits
    tricks-bench check --study camera-traps --data path/to/images --dry-run
    """
    plugins = load_plugins(plugin)
    options = Options(
        results, at_a_time(workers, None, device), device, plugins,
        asked_limits(max_hours, None), estimate=estimate, allow_duplicates=allow_duplicates,
    )  # fmt: skip
    from runner.studies.check import check_of

    flags = StudyFlags(task=task, study=study, set=set_, data=data)
    asked = asked_study(flags, results)
    found = check_of(asked, study is not None, name, seeds)
    if dry_run:
        from runner.commands.dry_run import say_dry_run
        from runner.launch.dry_run import dry_run as would_train

        say_dry_run(would_train(found, options), json)
        return 0
    from runner.launch.check import check as launch
    from runner.launch.check import findings

    console = Quiet(options, json)
    outcome = launch(found, replace(options, ask=None if yes else asking(json)), console)
    if outcome.ended == "declined":
        return 0
    said = findings(found, results, asked.seeds)
    if json:
        print_json(said.to_json())
    else:
        for line in finding_lines(said):
            print(line)
    if outcome.ended == "interrupted":
        console.say(f"interrupted: `{said.command}` continues from here")
        return OUT_OF_TIME if outcome.out_of_time else INTERRUPTED
    return int(bool(outcome.failed))


def finding_lines(said: Checked) -> Iterator[str]:
    """The findings of a check: one line per part, and the command that fixes a failed part."""
    some = "" if said.done >= said.planned else f", {said.done} of {said.planned} runs so far"
    verdict = "passed" if said.passed else "not passed"
    yield f"{said.study}: {verdict} (validation accuracy; intervals: {INTERVALS}{some})"
    rows = [(f"  {f.verdict}", f.name, f.reason) for f in said.findings]
    for line, found in zip(aligned(rows), said.findings, strict=True):
        yield line
        command = said.commands.get(found.name)
        if command is not None and found.verdict != "pass":
            yield f"           fix: {command}"
