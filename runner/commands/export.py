"""export: a study's runs as a CSV, or as a folder that can be kept and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS
from tricks.errors import BadInput


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .csv file with one row a run, or a folder.")
    ],
    name: Name = None,
    stage: Annotated[
        str | None,
        typer.Option(
            help="Of a study with stages, for a CSV: fixed, tuning, tuned or equal-time. "
            "[default: the last]"
        ),
    ] = None,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write the runs of a study to a CSV file, or all of it to a folder.

    A folder also holds learning curves and what was run; `report` and `analyze` read it.

    \b
    tricks-bench export -o runs.csv
    tricks-bench export digits-full -o results/reference/digits-full
    """
    from runner.records.export import write_csv, write_export
    from runner.studies.experiments import open_study
    from runner.studies.stages import csv_stage

    whole = output.suffix.lower() != ".csv"
    if whole and output.suffix.lower() in (".json", ".parquet", ".tsv", ".xlsx", ".txt", ".gz"):
        raise BadInput(f"{output}: end the name in .csv, or name a folder")
    if not whole and not output.parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    store, stored = open_study(results, name)
    if stage is not None and whole:
        raise BadInput("--stage is for a CSV: a folder holds all stages")
    part = stored
    if not whole:
        stage = csv_stage(store, stored, stage)
        part = stored.at(stage) if stage else stored
    count = len(store.states(part.ids))
    if not count:
        raise BadInput(f"the study {stored.name} has no recorded runs yet")
    try:
        if whole:
            output.mkdir(parents=True, exist_ok=True)
            write_export(store, stored, output)
        else:
            write_csv(store, stored, output, stage=stage)
    except OSError as error:
        raise BadInput(f"{output}: {error.strerror or error}") from error
    if json:
        print_json(
            {
                "study": stored.name,
                "runs": count,
                "planned": len(part.ids),
                "output": str(output),
            }
        )
        return
    print(f"{count:,} of {len(part.ids):,} planned runs in {output}")
