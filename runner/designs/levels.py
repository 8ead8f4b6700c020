"""Your own factors, with several edits in each level, such as a network with its lr.

```toml
[levels.network]
resnet50 = ""
swin-t = "model=swin_tiny_patch4_window7_224 + adamw(lr=1e-5) + epochs=30 + fp16"
```
"""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.factor import Factor, Level, compose_levels, named, split
from runner.designs.field import FieldValue, Scalar, check_field, field_value
from tricks.bag import parse
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import STACKS, Recipe
from tricks.trick import Trick


def read_level(factor: str, name: str, text: str, baseline: Recipe) -> Level:
    """The level of `text`: tricks and settings (`epochs=5`) joined by +; "": the baseline.

    Raises BadInput for any other text, and for a field that is set twice or to a wrong value.
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
    """The factor `name` with these levels, and notes on levels that equal another level.

    The reference is the level that equals the baseline, else the first level. Levels with equal
    recipes (pretrained and scratch, if `--set` makes all start from scratch) become one level. The
    factor is None if only one level is left. Raises BadInput for fewer than two levels.
    """
    if len(levels) < 2:
        raise BadInput(f"levels.{name} needs at least two levels")
    read = [read_level(name, level, text, baseline) for level, text in levels.items()]
    recipes = [_recipe(level, baseline) for level in read]
    same = [i for i, recipe in enumerate(recipes) if recipe == baseline]
    # Of equal levels, keep one that sets something: `scratch` rather than `pretrained = ""`.
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
    """`baseline` with only `level`; None if the level needs another factor's level."""
    try:
        return compose_levels(baseline, [level])
    except TrickConflict:
        return None


def choose_levels(
    levels: Mapping[str, Mapping[str, str]], fields: Mapping[str, list[Scalar]]
) -> tuple[dict[str, dict[str, str]], dict[str, list[Scalar]]]:
    """`levels` reduced to the choices of `--factor NAME=A,B`, and the other fields.

    `none` alone removes a factor. Raises BadInput for an unknown level.
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
