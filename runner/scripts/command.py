"""A script's command: from its text with placeholders to the exact arguments of a process.

The text is split into words once, by the rules of a shell, before placeholders are replaced. So the
value of a placeholder stays inside its argument, whatever it contains.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runner.records.json_values import JsonValue
from runner.records.script_toml import Script
from tricks.errors import BadInput, unknown

OWN = ("seed", "out", "arguments", "resume", "config")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
ENVIRONMENT, CONFIG, PARAMETER, STREAM = "env:", "config:", "set:", "stream:"


@dataclass(frozen=True)
class Edits:
    """The changes by the levels of an arm: arguments, variables, keys of the config, parameters.

    stream: another stream of seeds, for a placebo. All values are exactly as the script gets them.
    """

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    stream: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """The edits as JSON values."""
        return {
            "arguments": list(self.arguments),
            "environment": dict(self.environment),
            "config": dict(self.config),
            "parameters": dict(self.parameters),
            "stream": self.stream,
        }


def words(text: str, where: str) -> tuple[str, ...]:
    """`text` split by shell rules. Raises BadInput that begins with `where`."""
    if "\0" in text:
        raise BadInput(f"{where}: an argument cannot contain a null character: remove it")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise BadInput(f"{where}: {str(error).lower()} in {text!r}") from error


def edits(found: Iterable[str], where: str = "levels") -> Edits:
    """The edits in words: `env:NAME=value`, `config:key.path=value`, `set:NAME=value`, arguments.

    `set:` sets a parameter. Every other word is an argument. Raises BadInput for an edit without a
    value, or a repeated name.
    """
    arguments: list[str] = []
    named: dict[str, dict[str, str]] = {ENVIRONMENT: {}, CONFIG: {}, PARAMETER: {}}
    stream = 0
    for word in found:
        kind = next((kind for kind in (*named, STREAM) if word.startswith(kind)), None)
        if kind is None:
            arguments.append(word)
            continue
        if kind == STREAM:
            stream = 1
            continue
        name, equals, value = word.removeprefix(kind).partition("=")
        if not (equals and name):
            raise BadInput(f"{where}: write {word!r} as {kind}NAME=value")
        if named[kind].get(name, value) != value:
            raise BadInput(
                f"{where}: {kind}{name} is set twice: {named[kind][name]!r} and {value!r}"
            )
        named[kind][name] = value
    return Edits(tuple(arguments), named[ENVIRONMENT], named[CONFIG], named[PARAMETER], stream)


def placeholders(text: str) -> list[str]:
    """The names in braces in a text."""
    return _PLACE.findall(text)


def check(script: Script) -> None:
    """Raises BadInput for a command that cannot be run: with an unknown or missing placeholder."""
    if not script.run.strip():
        raise BadInput("script.run is empty: give the command that trains")
    known = (*OWN, *script.parameters)
    named = placeholders(script.run)
    for name in named:
        if name not in known:
            raise BadInput(f"script.run: {unknown('placeholder', name, known)}")
    for name in script.parameters:
        if name in OWN or not _PLACE.fullmatch(f"{{{name}}}"):
            raise BadInput(f"script.parameters: {name!r} cannot be the name of a parameter")
        if name not in named:
            raise BadInput(
                f"script.parameters: script.run has no placeholder {{{name}}}: add it, or leave "
                "out the parameter"
            )
    for name in placeholders(script.resume):
        if name not in ("out", "seed"):
            raise BadInput(f"script.resume: {unknown('placeholder', name, ('out', 'seed'))}")
    if script.resume and "resume" not in named:
        raise BadInput("script.resume needs the placeholder {resume} in script.run")
    if bool(script.config) != ("config" in named):
        raise BadInput(
            "script.run names {config}: name the original file, script.config = 'FILE'"
            if "config" in named
            else "script.config needs the placeholder {config} in script.run"
        )
    words(script.run, "script.run")
    words(script.resume, "script.resume")


@dataclass(frozen=True)
class Places:
    """The values of placeholders in one attempt at a run. config: a file, or ""."""

    seed: int
    out: str
    config: str = ""
    resumes: bool = False


def arguments(script: Script, change: Edits, places: Places) -> list[str]:
    """The arguments of the script's process, the program first.

    `{arguments}` and `{resume}` as separate words become any number of words. Within a word their
    values are quoted.
    """
    resume = ["true" if places.resumes else "false"]
    if script.resume:
        own_places = {"out": places.out, "seed": str(places.seed)}
        resume = [filled(word, own_places) for word in words(script.resume, "script.resume")]
        resume = resume if places.resumes else []
    parameters = {**parameter_texts(script), **change.parameters}
    values = {"seed": str(places.seed), "out": places.out, "config": places.config, **parameters}
    own = [filled(word, values) for word in change.arguments]
    several = {"arguments": shlex.join(own), "resume": shlex.join(resume)}
    if script.shell:
        quoted = {name: shlex.quote(value) for name, value in values.items()}
        return ["/bin/sh", "-c", filled(script.run, {**quoted, **several})]
    found: list[str] = []
    for word in words(script.run, "script.run"):
        if word == "{arguments}":
            found += own
        elif word == "{resume}":
            found += resume
        else:
            found.append(filled(word, {**values, **several}))
    return found


def parameter_texts(script: Script) -> dict[str, str]:
    """The parameters' values as texts for the command."""
    return {name: _text(value) for name, value in script.parameters.items()}


def takes(script: Script, name: str) -> bool:
    """Whether the command has the placeholder `name`."""
    return name in placeholders(script.run)


def _text(value: str | int | float) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def filled(word: str, values: Mapping[str, str]) -> str:
    """The word with values for known placeholders; values are not searched for placeholders."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), word)
