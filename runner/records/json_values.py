"""JSON values: their type, their canonical form for comparisons, and their digest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)


def canonical(value: JsonValue) -> JsonValue:
    """`value` with numbers in one form: 1 and 1.0 are equal, 0.1 + 0.2 is 0.3."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        try:
            number = float(f"{value:.12g}")
        except OverflowError:  # a whole number that is too large for a float
            return value
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    return [canonical(item) for item in value]


def canonical_text(value: JsonValue) -> str:
    """`value` as canonical JSON text: equal values have equal texts."""
    return json.dumps(canonical(value), sort_keys=True)


def digest(value: JsonValue) -> str:
    """64 hex digits of SHA-256 over canonical JSON."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def finite(value: Any) -> Any:
    """`value` for JSON: NaN and Inf become None, NumPy scalars become numbers."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (int, float, str)):
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
