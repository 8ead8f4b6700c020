"""report: tables and plots of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import (
    RESULTS,
    Json,
    Metric,
    Negligible,
    Results,
    check_negligible,
    print_json,
)


def report(
    name: Annotated[
        str | None, typer.Argument(help="A study (the latest if not given), or an exported folder.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to. [default: reports/NAME]")
    ] = None,
    metric: Metric = "accuracy",
    negligible: Negligible = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write report.md with tables and plots."""
    check_negligible(negligible)
    from runner.commands.experiments import experiment, exported
    from runner.records.export import evidence
    from runner.records.store import Store
    from tricks.errors import BadInput

    found = exported(name) or evidence(Store(results, create=False), name)
    if found.runs.empty:
        raise BadInput(f"the study {found.study.name} has no recorded runs yet: run it first")

    from runner.reporting import write_report

    path = write_report(
        experiment(found.study, found.runs),
        found.curves,
        found.study.asked,
        found.records,
        out or Path("reports") / found.study.name,
        metric,
        negligible,
        planned=len(found.study.runs),
    )
    if json:
        print_json({"study": found.study.name, "report": str(path)})
    else:
        print(path)
