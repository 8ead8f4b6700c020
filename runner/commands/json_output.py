"""JSON for other programs."""

from __future__ import annotations

import json

from runner.records.json_values import JsonValue


def print_json(value: JsonValue) -> None:
    """Print one JSON value on stdout; NaN and infinite numbers become null."""
    print(json.dumps(value, indent=2, allow_nan=False))
