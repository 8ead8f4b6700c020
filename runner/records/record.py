"""A record as bytes with a checksum, and its main columns as a flat row."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from runner.analysis.metrics.registry import VALIDATION_PREFIX, built_in
from runner.records import record_schema
from runner.records.json_values import finite
from runner.records.migration import SCHEMA, upgraded
from tricks.errors import BadInput

STATES = ("ok", "diverged", "failed", "infra")
FAILED = ("failed", "infra")  # states of runs to be trained again
DONE = ("ok", "diverged", "failed")  # states of a final record

# Column of the table -> its place in a record. Accuracies in per cent, times in seconds.
_COMPUTED = [metric.name for metric in built_in().values() if metric.compute is not None]
COLUMNS: dict[str, tuple[str, ...]] = {
    **{name: ("metrics", "test", name) for name in _COMPUTED},
    **{f"{VALIDATION_PREFIX}{name}": ("metrics", "validation", name) for name in _COMPUTED},
    "accuracy": ("test_accuracy",),
    "loss": ("test_loss",),
    "val_accuracy": ("val_accuracy",),
    "val_loss": ("val_loss",),
    "probe_accuracy": ("probe_accuracy",),
    "generalisation_gap": ("generalisation_gap",),
    "train_seconds": ("seconds", "train"),
    "cpu_seconds": ("seconds", "cpu"),
    "evaluate_seconds": ("seconds", "evaluate"),
    "wait_seconds": ("seconds", "wait"),
    "total_seconds": ("seconds", "total"),
    "images_per_second": ("images_per_second",),
    "peak_memory_mb": ("peak_memory_mb",),
    "parameters": ("parameters",),
    "chance_accuracy": ("chance_accuracy",),
    "test_images": ("test_images",),
    "correct": ("correct",),
    "device": ("device",),
}
TEXT = frozenset({"state", "correct", "device"})
WHOLE = frozenset({"seed", "parameters", "test_images"})

_ID = re.compile(r"[0-9a-f]{16,64}")
_SEAL = re.compile(rb',"checksum":"([0-9a-f]{64})"\}\n')


class Damaged(Exception):
    """A record's bytes have changed since they were written."""


def is_id(text: str) -> bool:
    """Whether `text` is 16 to 64 hex digits."""
    return _ID.fullmatch(text) is not None


def check_id(id: str) -> str:
    """`id` itself, which becomes a file name. Raises BadInput unless it is 16 to 64 hex digits."""
    if not isinstance(id, str) or not is_id(id):
        raise BadInput(f"{str(id)[:80]!r} is not a run id: give 16 to 64 of the digits 0-9a-f")
    return id


def seal(record: Mapping[str, Any]) -> bytes:
    """One line of JSON whose last field is the SHA-256 of all bytes before this field.

    NaN and Inf become null. Raises BadInput for an invalid id, state or other field.
    """
    check_id(record["id"])
    if record.get("state") not in STATES:
        raise BadInput(f"a record's state is one of {', '.join(STATES)}: {record.get('state')!r}")
    content = {"schema": SCHEMA, **record}
    content.pop("checksum", None)
    content = finite(content)
    try:
        record_schema.read(content)
    except ValueError as error:
        raise BadInput(f"this record could not be read back: {error}") from error
    body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()[:-1]
    return body + f',"checksum":"{hashlib.sha256(body).hexdigest()}"}}\n'.encode()


def unseal(data: bytes, id: str) -> dict[str, Any]:
    """The record called `id` from its bytes.

    Raises Damaged if the bytes do not verify or are no record, BadInput if a newer version wrote
    them.
    """
    tail = _SEAL.fullmatch(data[-80:])
    if tail is None:
        raise Damaged("it has no checksum at its end: its tail is cut, or it was edited")
    if hashlib.sha256(data[:-80]).hexdigest() != tail.group(1).decode():
        raise Damaged("its checksum does not match")
    try:
        record: dict[str, Any] = json.loads(data)
        if not isinstance(record, dict):
            raise ValueError("it is no object of fields")
        record = upgraded(record)
        record_schema.read(record)
    except BadInput:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"it is no record: {error}") from error
    if record["id"] != id:
        raise Damaged(f"it is the record of {record['id']}")
    return record


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The main columns of a record: state, seed and `COLUMNS`; missing values are None."""
    values: dict[str, Any] = {"state": record["state"], "seed": record.get("seed")}
    for column, path in COLUMNS.items():
        value: Any = record
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        values[column] = value
    return values
