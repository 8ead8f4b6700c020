"""Migration: upgrade records of older schemas when they are read.

Files are never rewritten: a record stays unchanged, under its checksum. A change that raises
`SCHEMA` also adds the step from the schema before, and a golden folder of that schema to the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tricks.errors import BadInput

RecordDict = dict[str, Any]

SCHEMA = 1  # of records and stores: raised when the same fields get another meaning

# Schema n -> the function that upgrades a record from schema n to n + 1.
STEPS: Mapping[int, Callable[[RecordDict], RecordDict]] = {}


def upgraded(
    record: RecordDict,
    steps: Mapping[int, Callable[[RecordDict], RecordDict]] = STEPS,
    newest: int = SCHEMA,
) -> RecordDict:
    """`record`, upgraded to the schema `newest`.

    Raises BadInput for a newer schema, ValueError for a schema that no version ever wrote.
    """
    schema = record.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise ValueError("it has no schema")
    if schema > newest:
        raise BadInput(
            f"record {record.get('id')} has schema {schema}, but this version reads schemas up "
            f"to {newest}: upgrade tricks-bench"
        )
    for number in range(schema, newest):
        if number not in steps:
            raise ValueError(f"it has schema {schema}, which no version ever wrote")
        record = {**steps[number](dict(record)), "schema": number + 1}
    return record
