"""Factors of your own: levels that each make several edits, such as a network with its lr.

```toml
[levels.network]
resnet50 = ""
swin-t = "model=swin_tiny_patch4_window7_224 + adamw(lr=1e-5) + epochs=30 + fp16"
```
"""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.factor import Factor, Level, compose_levels, named, split
from runner.designs.field import FieldValue, Given, check_field, field_value
from tricks.bag import parse
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import STACKS, Recipe
from tricks.trick import Trick


def read_level(factor: str, name: str, text: str, baseline: Recipe) -> Level:
    """The level of `text`: tricks and settings (`epochs=5`) joined by +; nothing: the baseline.

    Raises BadInput for what is neither, or a field that is set twice or to what it cannot be.
    """
    where = f"levels.{factor}.{name}"
    tricks: list[Trick] = []
    fields: dict[str, FieldValue] = {}
    for part in split(text, "+"):
        if "=" not in part.partition("(")[0]:
            tricks.append(parse(part))
            continue
        field, _, value = (piece.strip() for piece in part.partition("="))
        if field in STACKS:
            raise BadInput(f"{where}: tricks add to {field}: name them without {field}=")
        if field in fields:
            raise BadInput(f"{where} sets {field} twice")
        fields[field] = field_value(field, value, where)
        check_field(baseline, field, fields[field], where)
    return Level(name, tuple(tricks), tuple(fields.items()))


def level_factor(
    name: str, levels: Mapping[str, str], baseline: Recipe
) -> tuple[Factor | None, list[str]]:
    """The factor `name` with these levels, and notes on levels that come to another's recipe.

    The reference is the level that is the baseline, else the first. Levels that say the same here
    (pretrained and scratch, where `--set` makes all start from scratch) are one; None for the
    factor if only one is left. Raises BadInput for fewer than two levels.
    """
    if len(levels) < 2:
        raise BadInput(f"levels.{name} needs at least two levels")
    read = [read_level(name, level, text, baseline) for level, text in levels.items()]
    recipes = [_recipe(level, baseline) for level in read]
    same = [i for i, recipe in enumerate(recipes) if recipe == baseline]
    # Of several, one that says what it sets: `scratch` rather than `pretrained = ""`.
    first = max(same, key=lambda i: bool(levels[read[i].name].strip()), default=0)
    kept, notes = [first], []
    for i in (i for i in range(len(read)) if i != first):
        twin = next((k for k in kept if recipes[i] is not None and recipes[k] == recipes[i]), None)
        if twin is None:
            kept.append(i)
        else:
            notes.append(
                f"{name}={read[i].name} is left out: here it is the same as {read[twin].name}"
            )
    if len(kept) < 2:
        return None, notes
    return named(name, tuple(read[i] for i in kept), "levels"), notes


def _recipe(level: Level, baseline: Recipe) -> Recipe | None:
    """What `level` alone makes of `baseline`; None where another factor must make it possible."""
    try:
        return compose_levels(baseline, [level])
    except TrickConflict:
        return None


def choose_levels(
    levels: Mapping[str, Mapping[str, str]], fields: Mapping[str, list[Given]]
) -> tuple[dict[str, dict[str, str]], dict[str, list[Given]]]:
    """`levels` with those that `--factor NAME=A,B` chooses of them, and the other fields.

    `none` alone takes a factor away. Raises BadInput for a level that is not there.
    """
    chosen = {name: dict(held) for name, held in levels.items()}
    for name in [name for name in fields if name in levels]:
        wanted = [str(value) for value in fields[name]]
        if wanted == ["none"]:
            del chosen[name]
            continue
        for level in wanted:
            if level not in levels[name]:
                raise BadInput(
                    f"--factor {name}: no level {level!r}; choose from {', '.join(levels[name])}"
                )
        chosen[name] = {level: levels[name][level] for level in wanted}
    return chosen, {name: values for name, values in fields.items() if name not in levels}
