"""The factors of a script: levels of arguments, values of parameters, a placebo."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runner.designs.factor import PLACEBO, Factor, Level, named
from runner.designs.field import Scalar, field_text
from runner.records.script_toml import Script
from runner.scripts import command
from runner.studies.asked import Asked
from tricks.errors import BadInput, unknown

FIRST = "off"  # the reference level, wherever it stands


def check_parameter(script: Script, name: str, where: str) -> None:
    if name not in script.parameters:
        if not script.parameters:
            raise BadInput(
                f"{where}: the script has no parameters: define some in script.parameters"
            )
        raise BadInput(f"{where}: {unknown('parameter', name, script.parameters)}")


def script_factors(script: Script, asked: Asked) -> list[Factor]:
    """Factors from `levels` and values of parameters, and a placebo that only changes the seed."""
    found = []
    for name, texts in asked.levels.items():
        found.append(named(name, _levels(name, texts), "levels"))
    for name, values in asked.factor.items():
        check_parameter(script, name, f"--factor {name}")
        held = command.parameter_texts(script)[name]
        each = list(dict.fromkeys(map(text, values)))
        if len(each) < 2:
            raise BadInput(f"--factor {name} needs at least two values, such as {name}=A,B")
        each.sort(key=lambda value: value != held)
        words = [f"{command.PARAMETER}{name}={value}" for value in each]
        levels = tuple(Level(value, words=(word,)) for value, word in zip(each, words, strict=True))
        found.append(named(name, levels, "levels"))
    if asked.placebo and PLACEBO not in asked.levels:
        levels = (Level(FIRST), Level("on", words=(f"{command.STREAM}1",)))
        found.append(named(PLACEBO, levels, "levels"))
    names = [factor.name for factor in found]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(
                f"{name} would be varied twice, by levels and by --factor: leave out one"
            )
    if not found:
        raise BadInput(
            "there is nothing to vary: give --level mixup.on='--mixup 0.2', or [levels.mixup]"
        )
    return found


def _levels(factor: str, texts: Mapping[str, str]) -> tuple[Level, ...]:
    """The levels, `off` first. A single other level gets `off` as its reference."""
    if FIRST not in texts and len(texts) == 1:
        texts = {FIRST: "", **texts}
    if len(texts) < 2:
        raise BadInput(f"levels.{factor} needs at least two levels")
    levels: list[Level] = []
    seen: dict[tuple[str, ...], str] = {}
    for name in sorted(texts, key=lambda name: name != FIRST):
        where = f"levels.{factor}.{name}"
        if not re.fullmatch(r"\S(.{0,78}\S)?", name):
            raise BadInput(
                f"{where}: a level's name needs 1 to 80 characters, without spaces at its ends"
            )
        words = command.words(texts[name], where)
        command.edits(words, where)
        if words in seen:
            raise BadInput(f"{where} is the same as {seen[words]}: leave out one of them")
        seen[words] = name
        levels.append(Level(name, words=words))
    return tuple(levels)


def check_used(script: Script, factors: Sequence[Factor]) -> None:
    """Raises BadInput if a level's arguments or changes of the config would have no effect."""
    for factor in factors:
        for level in factor.levels:
            where = f"levels.{factor.name}.{level.name}"
            found = command.edits(level.words, where)
            if found.arguments and not command.takes(script, "arguments"):
                raise BadInput(
                    f"{where} has arguments, but script.run has no placeholder {{arguments}}: "
                    "put it where the arguments belong"
                )
            if found.config and not script.config:
                raise BadInput(f"{where} changes the config: name its file, script.config = 'FILE'")
            for name in found.parameters:
                check_parameter(script, name, where)


def check_together(factors: Sequence[Factor]) -> None:
    """Raises BadInput if two factors set the same variable, key or parameter."""
    owners: dict[tuple[str, str], str] = {}
    for factor in factors:
        found = [command.edits(level.words) for level in factor.levels]
        for kind in ("environment", "config", "parameters"):
            for name in {name for one in found for name in getattr(one, kind)}:
                other = owners.setdefault((kind, name), factor.name)
                if other != factor.name:
                    raise BadInput(
                        f"{other} and {factor.name} both set {name}: make them one factor"
                    )


def text(value: Scalar) -> str:
    return value if isinstance(value, str) else field_text(value)
