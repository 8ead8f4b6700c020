"""export: a study's runs as a CSV that `analyze` and spreadsheets read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.options import RESULTS, Results
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas


def export(
    name: Annotated[str, typer.Argument(help="The study.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV, one row a run.")],
    curves: Annotated[
        Path | None, typer.Option(help="Also write a CSV with one row an epoch of each run.")
    ] = None,
    results: Results = RESULTS,
) -> None:
    """Write the runs of a study to a CSV file."""
    from runner.commands.experiments import open_study
    from runner.records import table

    for file in (output, *([curves] if curves else [])):
        if file.suffix.lower() != ".csv":
            raise BadInput(f"{file}: exports are CSV files: end the name in .csv")
        if not file.parent.is_dir():
            raise BadInput(f"{file}: there is no folder {file.parent}")
    store, study = open_study(results, name)
    runs = table.table(store, study)
    if runs.empty:
        raise BadInput(f"the study {study.name} has no recorded runs yet")
    _write(runs, study.factors, output)
    if curves:
        _write(table.curves(store, study), [], curves)
    print(f"{len(runs):,} of {len(study.runs):,} planned runs in {output}")


def _write(frame: pandas.DataFrame, factors: list[str], file: Path) -> None:
    for name in factors:
        frame[name] = frame[name].map(harmless)
    try:
        frame.rename(columns=harmless).to_csv(file, index=False, float_format="%.8g")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error


def harmless(text: object) -> object:
    """`text` such that a spreadsheet takes it for a text, not a formula; numbers stay.

    >>> harmless("=1+1"), harmless("-0.5"), harmless("mixup")
    ("'=1+1", '-0.5', 'mixup')
    """
    if isinstance(text, str) and text[:1] in tuple("=+-@\t\r"):
        try:
            float(text)
        except ValueError:
            return "'" + text
    return text
