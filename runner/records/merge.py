"""Join stores and exported studies: each run once; conflicts are reported and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from runner.records import atomic_write, environments
from runner.records.export import Evidence, is_export, read_export
from runner.records.predictions import ENDING
from runner.records.record import FAILED
from runner.records.record_schema import Record
from runner.records.store import Store
from runner.records.studies import StoredStudy, load_study, save_study, study_names
from tricks.errors import BadInput

# Fields that agree in two records of one run by the same code on similar machines.
OUTCOME = ("state", "seed", "test_accuracy", "test_loss", "correct", "weights_sha256")


@dataclass
class Merged:
    """The result of a merge.

    added: runs that the store lacked, or had only as failed. same: runs that it had. conflicts: ids
    of runs that it had with another outcome, which it keeps. studies: names of written studies.
    refused: a line for each study that could not be joined with the store's study of the same name.
    """

    added: int = 0
    same: int = 0
    conflicts: list[str] = field(default_factory=list)
    studies: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def merge(sources: list[Path], target: Store) -> Merged:
    """Bring the records and studies of `sources` (stores or exports) into `target`.

    All sources are opened before anything is written. Trained models and logs of failed attempts
    are not copied. Raises BadInput for a source that is neither, or that cannot be read.
    """
    opened = [_open(path, target) for path in sources]
    done = Merged()
    for path, source in zip(sources, opened, strict=True):
        for record, predictions in _records(source):
            environments.copy(path, target.root, [record.get("environment_sha256")])
            _add(record, predictions, target, done)
        for study in _studies(source):
            _join(study, target, done)
    return done


def _open(path: Path, target: Store) -> Store | Evidence:
    if is_export(path):
        return read_export(path)
    if not (path / "FORMAT").exists():
        raise BadInput(
            f"{path} is neither a store (it has no FORMAT) nor an exported study (no study.toml "
            "and runs.csv)"
        )
    if path.resolve() == target.root.resolve():
        raise BadInput(
            f"{path} is the store to merge into: name other stores, or another --results"
        )
    return Store(path, create=False)


def _records(source: Store | Evidence) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    if isinstance(source, Evidence):
        yield from ((record, None) for record in _exported(source))
        return
    for id in sorted(source.ids()):
        record = source.read(id)
        if record is not None:
            yield record, _predictions(source, record)


def _predictions(source: Store, record: Mapping[str, Any]) -> bytes | None:
    if not record.get("predictions_sha256"):
        return None
    try:
        return atomic_write.read(source.path(record["id"]).with_suffix(ENDING))
    except OSError:
        return None


def _exported(found: Evidence) -> Iterator[dict[str, Any]]:
    """The records of an export, reassembled from its three files.

    They lack predictions and, for large test sets, the bits of right and wrong.
    """
    curves = {id: part.drop(columns="id") for id, part in found.curves.groupby("id")}
    bits = dict(zip(found.runs["id"], found.runs["correct"], strict=True))
    for record in found.records:
        values = _values(record)
        values.pop("predictions_sha256", None)
        if record.id in curves:
            lines = curves[record.id].to_dict("records")
            values["epochs"] = [
                {str(name): value for name, value in line.items() if value == value}
                for line in lines
            ]
        if isinstance(bits.get(record.id), str):
            values["correct"] = bits[record.id]
        yield values


def _values(record: Record) -> dict[str, Any]:
    """The record as JSON values, without missing fields."""
    values: dict[str, Any] = to_builtins(record)
    if record.recipe is not None:
        values["recipe"] = record.recipe.values
    return {name: value for name, value in values.items() if value is not None}


def _add(record: dict[str, Any], predictions: bytes | None, target: Store, done: Merged) -> None:
    id = record["id"]
    here = target.read(id)
    if here is not None and here["state"] in FAILED and record["state"] not in FAILED:
        target.remove(id, FAILED)
        here = None
    if here is None and target.commit(record, predictions):
        done.added += 1
    elif here is None or _alike(here, record):
        done.same += 1
    else:
        done.conflicts.append(id)


def _alike(here: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both records agree in all fields that both have."""
    pairs = ((here.get(name), other.get(name)) for name in OUTCOME)
    return all(one is None or two is None or one == two for one, two in pairs)


def _studies(source: Store | Evidence) -> Iterator[StoredStudy]:
    if isinstance(source, Evidence):
        yield source.study
    else:
        yield from (load_study(source, name) for name in study_names(source))


def _join(study: StoredStudy, target: Store, done: Merged) -> None:
    if study.name in study_names(target):
        here = load_study(target, study.name)
        kinds = [
            (s.asked.task, s.asked.settings, s.asked.tune, s.asked.equal) for s in (here, study)
        ]
        if kinds[0] != kinds[1] or _other_epochs(here, study):
            done.refused.append(
                f"study {study.name}: {target.root} has another study with this name (other "
                "task, settings, tuning or equal-time epochs); its runs were copied, its list "
                "of runs was not"
            )
            return
    try:
        save_study(target, study.name, study.asked, study.runs)
    except BadInput as error:  # its runs are in the store under other levels
        done.refused.append(f"study {study.name}: {error}")
        return
    done.studies.append(study.name)


def _other_epochs(here: StoredStudy, other: StoredStudy) -> bool:
    """Whether an arm has different equal-time epochs in the two studies."""
    first, second = (
        {tuple(sorted(arm.levels.items())): arm.epochs for arm in study.asked.equal_epochs or ()}
        for study in (here, other)
    )
    return any(second.get(arm, epochs) != epochs for arm, epochs in first.items())
