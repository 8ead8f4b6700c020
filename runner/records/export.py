"""Exports: a study's records as a CSV, or as a small folder that can be committed and read.

runs.csv           the columns of `table`; `correct` is left out for large test sets
epochs.csv.gz      the learning curves
records.jsonl.gz   the rest of each record
study.toml         the study's request, and the settings of its runs
confusions.csv.gz  confusion matrices of the runs, where their predictions are kept
SHA256SUMS         checksums of these files, for `sha256sum -c`; older exports have none
references.json    of a check: its simple references, not listed in SHA256SUMS
examples/          example images of augmentations, not listed in SHA256SUMS
environments/      packages that its runs were trained with, not listed in SHA256SUMS

Predictions are left out, as they are large. Every metric that a run computed is in runs.csv or, for
a plug-in's metric, in the run's record.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from runner.records import atomic_write, confusions, environments, examples, packed, record_schema
from runner.records.csv_text import csv_bytes, escaped, unescaped
from runner.records.export_checks import (
    SUMS,
    check_agreement,
    check_rows,
    check_runs,
    mismatches,
)
from runner.records.later_metrics import with_metric
from runner.records.migration import upgraded
from runner.records.record import COLUMNS, TEXT
from runner.records.record_schema import Record
from runner.records.run_frames import CURVES, NORMS, epoch_frame, measured, spread, table, typed
from runner.records.store import Store
from runner.records.studies import StoredStudy, is_name, load_study
from runner.records.study_files import check_levels, check_once, read_asked, write_asked
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas

LARGEST_KEPT = 10_000  # test images; their bits of right and wrong take 1.7 kB per run
# Fields of a record that are in another file, or of no use on another machine.
LEFT_OUT = ("epochs", "correct", "host")
_UNREADABLE = (
    OSError, EOFError, zlib.error, KeyError, ValueError, TypeError, OverflowError, RecursionError,
)  # fmt: skip


class Evidence(NamedTuple):
    """The data of a study that a report or an analysis needs."""

    study: StoredStudy
    runs: pandas.DataFrame  # `table`
    curves: pandas.DataFrame  # `epoch_frame`
    records: list[Record]  # each without `LEFT_OUT` and tracebacks


def evidence(
    source: Store | Path,
    name: str | None = None,
    most: int | None = None,
    metric: str | None = None,
) -> Evidence:
    """A study from a store (the latest if `name` is None) or from an exported folder.

    most: if a study in a store has more runs, only a part of the records and curves is read, which
    stands for all (see `spread`). metric: as for `table`. Raises BadInput if there is no study, or
    if its files cannot be read.
    """
    if not isinstance(source, Store):
        found = read_export(source)
        if metric is None:
            return found
        metric = found.study.asked.meant(metric)
        by_id = {record.id: record for record in found.records}
        return found._replace(runs=with_metric(found.runs, metric, by_id.get))
    stored = load_study(source, name)
    runs = table(source, stored, metric)
    ids = list(dict.fromkeys(runs["id"]))
    if most is not None and len(ids) > most:
        ids = spread(stored, runs, most)
    records: list[Record] = []

    def read() -> Iterator[Record]:
        for id in ids:
            record = source.record(id)
            if record is not None:
                error = record.error and structs.replace(record.error, traceback=None)
                rest = dict.fromkeys(LEFT_OUT, None)
                records.append(structs.replace(record, error=error, **rest))
                yield record

    return Evidence(stored, runs, epoch_frame(read()), records)


def is_export(folder: Path) -> bool:
    """Whether `folder` is an export of `write_export`."""
    return (folder / "study.toml").is_file() and (folder / "runs.csv").is_file()


def write_csv(
    source: Store,
    stored: StoredStudy,
    out: Path,
    correct: bool | None = None,
    stage: str | None = None,
) -> None:
    """Write one row per run: the study's name, then the columns of `table`. Raises OSError.

    stage: the stage of a tuned study to write. At the stage tuning the tuned field is a factor; at
    other stages its column is `tuned_<field>`, which no analysis takes for a factor. correct: keep
    the bits of right and wrong; None: only for test sets of up to 10,000 images.
    """
    frame = _compact(table(source, stored.of_stage(stage) if stage else stored), correct)
    if stage is not None:
        field = str(stored.asked.staged)
        name = field if stage == "tuning" else f"tuned_{field}"
        frame = frame.drop(columns="stage").rename(columns={field: name})
    frame.insert(0, "study", stored.name)
    atomic_write.replace(out, csv_bytes(frame))


def write_export(
    source: Store,
    stored: StoredStudy,
    folder: Path,
    correct: bool | None = None,
    images: bool = True,
) -> Path:
    """Write the study as the folder described above. Returns the folder. Raises OSError.

    images: whether the folder holds the example images.
    """
    runs = table(source, stored)
    lines: list[str] = []
    lists: list[str | None] = []

    def read() -> Iterator[Record]:
        for id in dict.fromkeys(runs["id"]):
            record = source.read(id)
            if record is not None:
                lines.append(json.dumps(_rest(record), sort_keys=True) + "\n")
                lists.append(record.get("environment_sha256"))
                yield record_schema.read(record)

    curves = epoch_frame(read())
    name = stored.name if stored.asked.name is None else stored.asked.name
    asked = structs.replace(stored.asked, name=name, places=None)
    contents = {
        "runs.csv": csv_bytes(_compact(runs, correct)),
        "epochs.csv.gz": packed.pack(csv_bytes(curves, digits=6)),
        "records.jsonl.gz": packed.pack("".join(lines).encode()),
        "study.toml": write_asked(asked.to_mapping()),
    }
    ids = list(dict.fromkeys(runs["id"]))
    names = examples.class_names(source.root, map(source.record, ids))
    counts = confusions.write(confusions.counted(source, ids), names)
    if counts:
        contents[confusions.FILE] = packed.pack(counts)
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {n}\n" for n, data in contents.items())
    contents[SUMS] = sums.encode()
    atomic_write.replace_all({folder / name: data for name, data in contents.items()})
    if not counts:  # of an older export of this study
        (folder / confusions.FILE).unlink(missing_ok=True)
    environments.copy(source.root, folder, lists)
    if images:
        examples.export(source.root, map(source.record, runs["id"]), folder)
    else:  # nor those of an older export of this study
        for file in (folder / examples.FOLDER).glob("*.npz"):
            file.unlink()
    if stored.asked.check:
        from runner.records import references

        references.export(source, next(map(source.record, runs["id"]), None), folder)
    return folder


def read_export(folder: Path) -> Evidence:
    """The inverse of `write_export`. Raises BadInput if a file is missing or cannot be read."""
    import pandas as pd

    if not is_export(folder):
        raise BadInput(f"{folder} holds no exported study: no study.toml and runs.csv")
    for trouble in mismatches(folder):
        raise BadInput(
            f"{trouble}: copy the export again, or remove {SUMS} there if the change was meant"
        )
    asked = read_asked(folder / "study.toml")
    try:
        text = atomic_write.read(folder / "runs.csv").decode()
        names = [*asked.staging, *(factor.name for factor in asked.factors)]
        texts = ["id", "state", *names, "correct", "device"]
        kinds: dict[str, Any] = {escaped(column): str for column in texts}
        runs = pd.read_csv(
            io.StringIO(text),
            dtype=kinds,
            keep_default_na=False,
            na_values=[""],
        )
        runs = runs.rename(columns=unescaped)
        for column in texts:
            if column in runs:
                runs[column] = [unescaped(v) if isinstance(v, str) else None for v in runs[column]]
        for column in COLUMNS:
            if column not in runs:
                runs[column] = None if column in TEXT else float("nan")
        runs = typed(runs)
        content = io.BytesIO(packed.unpack(folder / "epochs.csv.gz"))
        kinds = {"id": str, **dict.fromkeys((*CURVES, *NORMS), "float64")}
        epochs = pd.read_csv(content, dtype=kinds).astype({"id": str, "epoch": "int64"})
        epochs = measured(epochs.reindex(columns=["id", "epoch", *CURVES, *NORMS]))
        lines = packed.unpack(folder / "records.jsonl.gz").splitlines()
        records = [_record(line) for line in lines]
        check_runs(runs)
        rows = runs[["id", "seed", *names]].to_dict("records")
    except _UNREADABLE as error:
        raise BadInput(f"cannot read the exported study {folder}: {error}") from error
    planned = [{str(key): value for key, value in row.items()} for row in rows]
    listed = {name: list(runs[name]) for name in ("id", *names)}
    check_levels(asked, listed, folder / "runs.csv")
    check_once(listed, folder / "runs.csv")
    check_agreement(runs, folder / "runs.csv")
    check_rows([record.id for record in records], folder / "records.jsonl.gz", 1)
    epoch = [f"{id}, epoch {n}" for id, n in zip(epochs["id"], epochs["epoch"], strict=True)]
    check_rows(epoch, folder / "epochs.csv.gz", 2)
    name = folder.name if asked.name is None else asked.name
    if not is_name(name):  # the report's folder gets this name
        raise BadInput(
            f"cannot read {folder / 'study.toml'}: {name[:80]!r} is not a valid name of a study"
        )
    study = StoredStudy(name, asked, planned)
    return Evidence(study, runs, epochs, records)


def _record(line: bytes) -> Record:
    """A record of an export in today's schema. Raises ValueError or BadInput."""
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("a line of records.jsonl.gz is not a record")
    return record_schema.read(upgraded(record))


def _rest(record: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in record.items() if key not in (*LEFT_OUT, "checksum")}
    if record.get("error"):
        rest["error"] = {key: record["error"].get(key) for key in ("type", "message")}
    return rest


def _compact(frame: pandas.DataFrame, correct: bool | None) -> pandas.DataFrame:
    if correct is None:
        correct = not (frame["test_images"] > LARGEST_KEPT).any()
    return frame if correct else frame.drop(columns="correct")
