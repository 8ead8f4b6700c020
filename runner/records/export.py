"""Exports: a study's records as a CSV, or as a small folder that can be committed and read back.

runs.csv           the columns of `table`; `correct` is left out for large test sets
epochs.csv.gz      the learning curves
records.jsonl.gz   the rest of each record
study.toml         what was asked for, and what it was run with
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.records import durable
from runner.records.index import LARGEST_TEST_SET
from runner.records.record import COLUMNS, TEXT
from runner.records.store import Store
from runner.records.studies import StudyFile, load_study, read_asked, staging, write_asked
from runner.records.table import CURVES, curves, table, typed
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for code
# Of a record: what stands in another file, and what is of no use away from its machine.
LEFT_OUT = ("epochs", "correct", "checksum", "host")


class Evidence(NamedTuple):
    """All that a report or an analysis needs of a study."""

    study: StudyFile
    runs: pandas.DataFrame  # `table`
    curves: pandas.DataFrame  # `curves`
    records: list[dict[str, Any]]  # each without `LEFT_OUT` and tracebacks


def evidence(source: Store | Path, name: str | None = None) -> Evidence:
    """A study from a store (the latest if `name` is None) or from an exported folder.

    Raises BadInput if there is none, or its files cannot be read.
    """
    if not isinstance(source, Store):
        return read_export(source)
    study = load_study(source, name)
    records = [_rest(record) for id in study.ids if (record := source.read(id)) is not None]
    return Evidence(study, table(source, study), curves(source, study), records)


def is_export(folder: Path) -> bool:
    """Whether `folder` holds what `write_export` writes."""
    return (folder / "study.toml").is_file() and (folder / "runs.csv").is_file()


def write_csv(
    source: Store,
    study: StudyFile,
    out: Path,
    correct: bool | None = None,
    stage: str | None = None,
) -> None:
    """One row a run: the study's name, then the columns of `table`. Raises OSError.

    stage: the one of a tuned study to write; the tuned field is then a factor of the stage tuning,
    and `tuned_<field>`, which no analysis takes for one, in others.

    `correct`: keep the bits of right and wrong; None: only of test sets up to 2,000 images.
    """
    frame = _compact(table(source, study.at(stage) if stage else study), correct)
    if stage is not None:
        name = str(study.tuned) if stage == "tuning" else f"tuned_{study.tuned}"
        frame = frame.drop(columns="stage").rename(columns={study.tuned: name})
    frame.insert(0, "study", study.name)
    durable.replace(out, _csv(frame))


def write_export(
    source: Store, study: StudyFile, folder: Path, correct: bool | None = None
) -> Path:
    """Write the study as the folder described above; returns it. Raises OSError."""
    found = evidence(source, study.name)
    runs = _compact(found.runs, correct)
    durable.replace(folder / "runs.csv", _csv(runs))
    lines = "".join(json.dumps(record, sort_keys=True) + "\n" for record in found.records)
    for name, content in (
        ("epochs.csv.gz", _csv(found.curves, digits=6)),
        ("records.jsonl.gz", lines.encode()),
    ):
        durable.replace(folder / name, gzip.compress(content, mtime=0))  # the same bytes each time
    durable.replace(folder / "study.toml", write_asked({"name": study.name, **study.asked}))
    return folder


def read_export(folder: Path) -> Evidence:
    """The inverse of `write_export`. Raises BadInput if a file is missing or cannot be read."""
    import pandas as pd

    if not is_export(folder):
        raise BadInput(f"{folder} holds no exported study: no study.toml and runs.csv")
    asked = read_asked(folder / "study.toml")
    try:
        text = durable.read(folder / "runs.csv").decode()
        names = [*staging(asked), *(factor["name"] for factor in asked["factors"])]
        texts = ["id", "state", *names, "correct", "device"]
        kinds: dict[str, Any] = {escaped(column): str for column in texts}
        runs = pd.read_csv(
            io.StringIO(text),
            dtype=kinds,
            keep_default_na=False,
            na_values=[""],
        )
        runs = runs.rename(columns=_plain)
        for column in texts:
            if column in runs:
                runs[column] = [_plain(v) if isinstance(v, str) else None for v in runs[column]]
        for column in COLUMNS:
            if column not in runs:
                runs[column] = None if column in TEXT else float("nan")
        runs = typed(runs)
        packed = io.BytesIO(gzip.decompress(durable.read(folder / "epochs.csv.gz")))
        kinds = {"id": str, **dict.fromkeys(CURVES, "float64")}
        epochs = pd.read_csv(packed, dtype=kinds)
        lines = gzip.decompress(durable.read(folder / "records.jsonl.gz")).splitlines()
        records = [json.loads(line) for line in lines]
        rows = runs[["id", "seed", *names]].to_dict("records")
    except (OSError, EOFError, KeyError, ValueError, TypeError) as error:
        raise BadInput(f"cannot read the exported study {folder}: {error}") from error
    planned = [{str(key): value for key, value in row.items()} for row in rows]
    study = StudyFile(str(asked.get("name", folder.name)), asked, planned)
    return Evidence(study, runs, epochs, records)


def _rest(record: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in record.items() if key not in LEFT_OUT}
    if record.get("error"):
        rest["error"] = {key: record["error"].get(key) for key in ("type", "message")}
    return rest


def _compact(frame: pandas.DataFrame, correct: bool | None) -> pandas.DataFrame:
    if correct is None:
        correct = not (frame["test_images"] > LARGEST_TEST_SET).any()
    return frame if correct else frame.drop(columns="correct")


def _csv(frame: pandas.DataFrame, digits: int = 10) -> bytes:
    """CSV bytes, numbers to `digits` significant digits, whole ones as such."""
    frame = frame.rename(columns=escaped)
    for column in frame:
        if frame[column].dtype == "float64":
            frame[column] = [None if v != v else f"{v:.{digits}g}" for v in frame[column]]
        elif frame[column].dtype != "int64":
            frame[column] = [escaped(v) if isinstance(v, str) else v for v in frame[column]]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text.encode()


def written(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV bytes, numbers to 6 significant digits, texts safe for spreadsheets."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    for row in rows:
        lines.writerow([_written(value) for value in row])
    return text.getvalue().encode()


def _written(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    return f"{value:.6g}" if isinstance(value, float) else value


def escaped(text: str) -> str:
    """`text` so that a spreadsheet does not run it; a plain number stays as it is."""
    if not text.startswith(FORMULA) and not (text.startswith("'") and _plain(text) != text):
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text


def _plain(text: str) -> str:
    """The inverse of `escaped`."""
    rest = text.lstrip("'")
    return text[1:] if text.startswith("'") and rest.startswith(FORMULA) else text
