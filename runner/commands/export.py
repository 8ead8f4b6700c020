"""export: write a study's runs as a CSV, as a folder that can be read back, or for a tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS
from tricks.errors import BadInput, unknown


def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "--out", "-o", help="A .csv file with one row per run, or a folder."
        ),
    ],
    name: Name = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="csv, folder, or a tracker: tensorboard, mlflow, wandb. [default: by the name of "
            "--output]"
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            help="For a CSV of a study with stages: fixed, tuning, tuned or equal-time. "
            "[default: the last]"
        ),
    ] = None,
    images: Annotated[
        bool,
        typer.Option(help="For a folder: copy the example images of augmentations, or not."),
    ] = True,
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Write the runs of a study to a CSV file, a whole study to a folder, or its runs to a tracker.

    A folder also holds the study's definition and the learning curves; `report` and `analyze` read
    it. A tracker gets one run per record. A second export adds new runs and updates changed runs.

    \b
    tricks-bench export -o runs.csv
    tricks-bench export digits-full -o results/reference/digits-full
    tricks-bench export digits-full --to mlflow --out trackers
    """
    from runner.records import atomic_write
    from runner.records.export import write_csv, write_export
    from runner.studies.experiments import open_study
    from runner.studies.stages import csv_stage

    if to is not None and to not in ("csv", "folder"):
        if stage is not None:
            raise BadInput("--stage is for a CSV: a tracker gets the runs of all stages")
        _to_tracker(to, name, output, results, json)
        return
    whole = output.suffix.lower() != ".csv" if to is None else to == "folder"
    if (
        whole
        and to is None
        and output.suffix.lower() in (".json", ".parquet", ".tsv", ".xlsx", ".txt", ".gz")
    ):
        raise BadInput(f"{output}: end the name in .csv, or name a folder")
    if not whole and not output.parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    store, stored = open_study(results, name)
    if stage is not None and whole:
        raise BadInput("--stage is for a CSV: a folder holds all stages")
    part = stored
    if not whole:
        stage = csv_stage(store, stored, stage)
        part = stored.of_stage(stage) if stage else stored
    count = len(store.states(part.ids))
    if not count:
        raise BadInput(f"the study {stored.name} has no recorded runs yet")
    with atomic_write.output(output):
        if whole:
            output.mkdir(parents=True, exist_ok=True)
            write_export(store, stored, output, images=images)
        else:
            write_csv(store, stored, output, stage=stage)
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


def _to_tracker(to: str, name: str | None, output: Path, results: Path, json: bool) -> None:
    from runner.exporters.registry import export_to, exporters
    from runner.exporters.run_log import run_logs
    from runner.records.export import evidence
    from runner.studies.experiments import exported

    if to not in exporters():
        raise unknown("--to", to, ("csv", "folder", *exporters()))
    found = exported(name)
    if found is None:
        from runner.records.store import Store

        found = evidence(Store(results, create=False), name)
    logs = run_logs(found)
    if not logs:
        raise BadInput(f"the study {found.study.name} has no recorded runs yet")
    changed = export_to(to, logs, output)
    planned = len(found.study.ids)
    if json:
        print_json(
            {
                "study": found.study.name, "runs": len(logs), "planned": planned,
                "output": str(output), "to": to, "written": changed,
            }
        )  # fmt: skip
        return
    print(
        f"{len(logs):,} of {planned:,} planned runs in {output}; this export wrote {changed:,} "
        "of them"
    )
    print(exporters()[to].look.format(folder=output))
