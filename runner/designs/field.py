"""A recipe field's value from text: `epochs=5`, `flip=true`, `optimizer=adamw(lr=0.01)`."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tricks.bag import parse
from tricks.errors import BadInput, unknown
from tricks.recipe import FIELDS, STACKS, Recipe
from tricks.start.own_weights import start_of
from tricks.trick import Trick
from tricks.values import coerce

Scalar = str | int | float | bool  # as in a TOML file or on the command line
# Python's literals; `coerce` decides which of them a field accepts.
Literal: TypeAlias = "Scalar | complex | bytes | tuple[Literal, ...] | list[Literal] | None"
FieldValue = Scalar | Trick | tuple[Trick, ...] | None  # in a recipe
OF_TASKS = ("train_images", "validation_share", "test_share")  # not fields, but allowed in --set
_TYPES = {"int": int, "float": float, "bool": bool, "str": str}
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def field_value(name: str, value: Scalar, where: str) -> FieldValue:
    """`value` (a text, or a value from TOML) converted to the type of recipe field `name`.

    A field that holds tricks takes a trick's text, `none`, or, if it stacks, several tricks joined
    by +. Raises BadInput that begins with `where`.
    """
    if name not in FIELDS:
        raise BadInput(f"{where}: {unknown('recipe field', name, (*FIELDS, *OF_TASKS))}")
    hint = Recipe.__annotations__[name]
    if name == "start":
        return _start(str(value).strip(), where)
    if hint not in _TYPES:
        return _tricks(name, str(value), where)
    kind = _TYPES[hint]
    return coerce(where, field_literal(value, kind), kind)


def with_fields(baseline: Recipe, values: Mapping[str, FieldValue]) -> Recipe:
    """`baseline` with these fields set. Raises BadInput for a value out of range."""
    checked: Any = values  # checked by `field_value`
    return dataclasses.replace(baseline, **checked)


def check_field(baseline: Recipe, name: str, value: FieldValue, where: str) -> Recipe:
    """`baseline` with the field set. Raises BadInput that names `where` if it is out of range."""
    try:
        return with_fields(baseline, {name: value})
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error


def field_values(
    name: str, given: Iterable[Scalar], baseline: Recipe, where: str
) -> list[FieldValue]:
    """Two or more different values of recipe field `name` (see `field_value`), in their order.

    Raises BadInput that begins with `where`, also for a value that is out of range or named twice.
    """
    values = [field_value(name, value, where) for value in given]
    for value in values:
        check_field(baseline, name, value, where)
    texts = [field_text(value) for value in values]
    for text in texts:
        if texts.count(text) > 1:
            raise BadInput(f"{where}: {text} is named twice")
    if len(values) < 2:
        raise BadInput(f"{where} needs at least two values, such as {name}=A,B")
    return values


def field_text(value: FieldValue) -> str:
    """The shortest text for a field's value; equal values give equal texts (1 and 1.0: "1")."""
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return "+".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Trick):
        return value.as_level()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def field_literal(value: Scalar, kind: type) -> Literal:
    """A text converted to a value of `kind`, if possible; any other value unchanged."""
    if not isinstance(value, str) or kind is str:
        return value
    text = value.strip()
    if kind is bool:
        return _WORDS.get(text.lower(), text)
    try:
        found: Literal = ast.literal_eval(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    return found


def _start(text: str, where: str) -> FieldValue:
    """The value of `start`: a word, a file of weights, or `own-weights(file='FILE')`."""
    found = start_of(text)
    if found is None and "(" in text:
        return _tricks("start", text, where)
    if found is None:
        raise BadInput(
            f"{where}: start must be scratch, pretrained, or a file of weights (.safetensors, "
            f".pt, .pth) or a run's id, not {text!r}"
        )
    return found


def _tricks(name: str, text: str, where: str) -> FieldValue:
    """The value of a field that holds one trick or a stack of them."""
    if text.strip().lower() == "none":
        if name == "optimizer":
            raise BadInput(f"{where}: a training needs an optimizer: name one, such as sgd")
        return () if name in STACKS else None
    items = [_item(name, parse(part), where) for part in text.split("+")]
    if name in STACKS:
        return tuple(sorted(items, key=lambda trick: (trick.stage, trick.name)))
    if len(items) > 1:
        raise BadInput(f"{where}: {name} takes one trick, not {len(items)}")
    return items[0]


def _item(name: str, trick: Trick, where: str) -> Trick:
    edits = trick.edits()
    held = {**edits.sets, **edits.adds}
    if name not in held:
        raise BadInput(
            f"{where}: {trick} cannot be the value of {name}: it acts on {', '.join(held)}"
        )
    return held[name]
