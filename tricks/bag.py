"""From texts to tricks: the registry, `"mixup(alpha=0.4)"`, recipes from JSON. Torch-free."""

from __future__ import annotations

import ast
import typing
from collections.abc import Mapping
from typing import Any

from tricks.errors import BadInput, unknown
from tricks.recipe import Recipe
from tricks.trick import GROUPS, REGISTERED, Trick
from tricks.values import coerce


def registry() -> dict[str, type[Trick]]:
    """Every known trick by name, ordered by group (in the order of training), then by name."""
    from tricks.loading import find_all

    find_all()
    rank = {group: i for i, group in enumerate((*GROUPS, "plugin"))}
    names = sorted(REGISTERED, key=lambda n: (rank.get(REGISTERED[n].group(), len(rank)), n))
    return {name: REGISTERED[name] for name in names}


def find(name: str) -> type[Trick]:
    """The trick class with this name. Raises BadInput with close matches if there is none."""
    known = registry()
    if name not in known:
        raise unknown("trick", name, known)
    return known[name]


def parse(text: str) -> Trick:
    """`"mixup(alpha=0.4)"` -> the trick.

    Raises BadInput for an unknown trick or parameter, or a value of the wrong type or range.
    """
    name, _, rest = text.strip().partition("(")
    name = name.strip()
    cls = find(name)
    if "(" not in text:
        return make(cls, {})
    try:
        # A hyphenated name is no Python name, so another name is put before the arguments.
        call = ast.parse(f"f({rest}", mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            raise ValueError
        if call.args or any(k.arg is None for k in call.keywords):
            raise ValueError
        values = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        if len(values) < len(call.keywords):
            raise ValueError
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        example = next(iter(cls.parameters().items()), None)
        hint = f"{name}({example[0]}={example[1]!r})" if example else name
        raise BadInput(f"cannot read {text.strip()!r}: write it as {hint}") from error
    return make(cls, values)


def make(cls: type[Trick], values: Mapping[str, Any]) -> Trick:
    """The trick `cls` with checked parameter values; ints become floats for float parameters."""
    hints = typing.get_type_hints(cls)
    known = cls.parameters()
    checked = {}
    for key, value in values.items():
        if key not in known:
            if not known:
                raise BadInput(f"{cls.name} has no parameters, so no {key!r}")
            raise unknown(f"parameter of {cls.name}", key, known)
        checked[key] = coerce(f"{cls.name}({key})", value, hints[key])
    try:
        return cls(**checked)
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"{cls.name}: {error}") from error


def recipe_from_json(data: Mapping[str, Any]) -> Recipe:
    """The inverse of `recipe.to_json`; the tricks named in it must be registered."""

    def value(item: Any) -> Any:
        if isinstance(item, list):
            return tuple(value(x) for x in item)
        if isinstance(item, dict):
            parameters = {k: value(v) for k, v in item.items() if k not in ("name", "version")}
            return make(find(item["name"]), parameters)
        return item

    return Recipe(**{name: value(item) for name, item in data.items()})
