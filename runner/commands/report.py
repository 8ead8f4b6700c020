"""report: tables and plots of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import (
    Json,
    Metric,
    Negligible,
    Noise,
    Plugins,
    Results,
    Scale,
    Stage,
    check_negligible,
    load_plugins,
)
from runner.records.layout import RESULTS


def report(
    name: Annotated[
        str | None,
        typer.Argument(help="A study, or an exported folder. [default: the latest study]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder to write to. [default: reports/NAME]"),
    ] = None,
    format: Annotated[
        str, typer.Option(help="md, html or latex; separate several with commas.")
    ] = "md,html",
    columns: Annotated[
        int | None,
        typer.Option(help="The width of LaTeX's figures: 1 or 2 columns of a paper."),
    ] = None,
    metric: Metric = "accuracy",
    negligible: Negligible = None,
    noise: Noise = "own",
    scale: Scale = "raw",
    stage: Stage = None,
    plugin: Plugins = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write the report of a study: report.md with its plots, and report.html as a single file.

    \b
    tricks-bench report digits-add-one
    tricks-bench report digits-add-one --format html --out shared
    tricks-bench report digits-add-one --format latex --columns 2
    """
    load_plugins(plugin)
    check_negligible(negligible)
    from runner.reporting.material import Question, gather
    from runner.reporting.next_steps import advice
    from runner.reporting.report import write_report

    found = gather(results, name, Question(metric, negligible, noise, scale, stage))
    formats = [name.strip() for name in format.split(",") if name.strip()]
    path = write_report(found, out or Path("reports") / found.study, formats, columns)
    if json:
        said = {"study": found.study, "report": str(path), **advice(found)}
        print_json({**said, "stage": found.stage} if found.stage else said)
    else:
        print(path)
