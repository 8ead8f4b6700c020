"""Migration: records of older schemas, brought up to today's as they are read.

Files are never rewritten: a record stays as it was written, under its checksum. Whoever raises
`SCHEMA` adds the step from the schema before, and a golden folder of it to the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tricks.errors import BadInput

Record = dict[str, Any]

SCHEMA = 1  # of records and stores: raised when the same words come to mean something else

# Schema n -> what makes a record of schema n one of schema n + 1.
STEPS: Mapping[int, Callable[[Record], Record]] = {}


def upgraded(
    record: Record, steps: Mapping[int, Callable[[Record], Record]] = STEPS, newest: int = SCHEMA
) -> Record:
    """`record` as one of the schema `newest`.

    Raises BadInput for one of a newer schema, ValueError for one that no version ever wrote.
    """
    schema = record.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise ValueError("it has no schema")
    if schema > newest:
        raise BadInput(
            f"record {record.get('id')} has schema {schema}, this version reads up to {newest}: "
            "upgrade tricks-bench"
        )
    for number in range(schema, newest):
        if number not in steps:
            raise ValueError(f"it has schema {schema}, which no version ever wrote")
        record = {**steps[number](dict(record)), "schema": number + 1}
    return record
