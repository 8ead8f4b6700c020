"""report: tables and plots of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import RESULTS, Json, Name, Results, print_json


def report(
    name: Name = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to. [default: reports/NAME]")
    ] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write report.md with tables and plots."""
    from runner.commands.experiments import experiment, open_study
    from runner.records.table import curves
    from tricks.errors import BadInput

    store, study = open_study(results, name)
    found = experiment(store, study)
    if found.runs.empty:
        raise BadInput(f"the study {study.name} has no recorded runs yet: run it first")

    from runner.reporting import write_report

    records = [record for id in study.ids if (record := store.read(id)) is not None]
    folder = out or Path("reports") / study.name
    path = write_report(found, curves(store, study), study.asked, records, folder)
    if json:
        print_json({"study": study.name, "report": str(path)})
    else:
        print(path)
