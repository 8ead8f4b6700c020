"""Parameter values: checked against a type; errors say what would be valid. Torch-free."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

from tricks.errors import BadInput


def coerce(what: str, value: Any, hint: Any) -> Any:
    """`value` as the type `hint` (int, float, bool, str, Literal, tuple[X, ...], unions of them).

    Raises BadInput naming `what`.
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for option in args:
            try:
                return coerce(what, value, option)
            except BadInput:
                continue
    elif origin is typing.Literal:
        if value in args:
            return value
        raise BadInput(f"{what} must be one of {', '.join(map(str, args))}, not {value!r}")
    elif origin is tuple:
        if isinstance(value, (tuple, list)):
            return tuple(coerce(what, item, args[0]) for item in value)
    elif hint is types.NoneType:
        if value is None:
            return None
    elif hint is float:
        number = _number(value)
        if number is not None:
            return number
    elif typing.get_origin(hint) is not None or not isinstance(hint, type):
        raise BadInput(f"{what} has a type that cannot be checked: {hint}")
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    wanted = " or ".join(_type_name(h) for h in (args if origin is not tuple and args else (hint,)))
    raise BadInput(f"{what} must be {wanted}, not {_shown(value)}")


def _number(value: Any) -> float | None:
    """`value` as a finite float, if it is a finite float or a whole number within its range."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "a number of very many digits"
    return text if len(text) <= 100 else f"{text[:60]}..."


def _type_name(hint: Any) -> str:
    names = {
        int: "a whole number", float: "a finite number", bool: "True or False", str: "a text",
        types.NoneType: "None",
    }  # fmt: skip
    return names.get(hint, str(hint))
