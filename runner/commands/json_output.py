"""JSON for other programs."""

from __future__ import annotations

import json

from runner.records.json_values import JsonValue


def print_json(value: JsonValue) -> None:
    """One JSON value on stdout; what is not a finite number is null."""
    print(json.dumps(value, indent=2, allow_nan=False))
