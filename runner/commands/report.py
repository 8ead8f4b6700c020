"""report: tables and plots of a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import (
    Json,
    Metric,
    Negligible,
    Noise,
    Results,
    Scale,
    check_negligible,
)
from runner.records.layout import RESULTS
from runner.studies.stages import Stage
from runner.text import print_json

MOST = 10_000  # records that are read; of a larger study some stand for all


def report(
    name: Annotated[
        str | None, typer.Argument(help="A study (the latest if not given), or an exported folder.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to. [default: reports/NAME]")
    ] = None,
    metric: Metric = "accuracy",
    negligible: Negligible = None,
    noise: Noise = "own",
    scale: Scale = "raw",
    stage: Stage = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write report.md with tables and plots."""
    check_negligible(negligible)
    from runner.records.export import evidence
    from runner.records.store import Store
    from runner.studies.experiments import experiment, exported
    from tricks.errors import BadInput

    found = exported(name) or evidence(Store(results, create=False), name, MOST)
    if found.runs.empty:
        raise BadInput(f"the study {found.study.name} has no recorded runs yet: run it first")

    from runner.planning.realised import study_design
    from runner.reporting.report import write_report
    from runner.studies.stages import at_stage, planned_runs
    from runner.studies.tuned_comparison import comparison

    _, _, stage = at_stage(found.study, found.runs, stage)
    runs = replace(experiment(found.study, found.runs, stage), noise=noise, scale=scale)
    listed = found.study if stage is None else found.study.at("fixed")
    path = write_report(
        runs,
        found.curves,
        found.study.asked,
        found.records,
        out or Path("reports") / found.study.name,
        metric,
        negligible,
        planned=planned_runs(found.study, stage),
        tuning=comparison(found, stage, metric, negligible) if stage else None,
        diagnostics=study_design(listed, runs, metric),
        costs=found.runs,
    )
    if json:
        said = {"study": found.study.name, "report": str(path)}
        print_json({**said, "stage": stage} if stage else said)
    else:
        print(path)
