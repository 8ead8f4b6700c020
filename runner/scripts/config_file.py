"""Write a copy of a YAML, JSON or TOML file with changed keys: `key.path = value`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.records.json_values import JsonValue
from tricks.errors import BadInput

KINDS = (".yaml", ".yml", ".json", ".toml")


def changed_copy(file: Path, changes: Mapping[str, str], into: Path) -> Path:
    """Write `file` with `changes` into the folder `into`. Returns the path of the copy.

    A value is read in the file's own language: 0.1 is a number, true is a boolean, anything else is
    text. A number in a key's path names an item of a list. A new key is added. Raises BadInput for
    an unreadable file, and for a path that leads into a plain value.
    """
    kind = file.suffix.lower()
    content = read(file)
    for key, text in changes.items():
        _set(content, key, _value(text, kind), file)
    copy = into / f"config{kind}"
    copy.write_text(_written(content, kind), encoding="utf-8")
    return copy


def read(file: Path) -> dict[str, Any]:
    """The content of a config file. Raises BadInput that names the file."""
    kind = file.suffix.lower()
    if kind not in KINDS:
        raise BadInput(f"script.config {file}: its name must end in one of {', '.join(KINDS)}")
    try:
        text = file.read_text(encoding="utf-8")
        if kind == ".json":
            found = json.loads(text)
        elif kind == ".toml":
            found = tomllib.loads(text)
        else:
            import yaml

            found = yaml.safe_load(text)
    except OSError as error:
        raise BadInput(f"script.config {file}: {error.strerror or error}") from error
    except Exception as error:  # of three parsers
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"script.config {file} is not {kind[1:].upper()}: {said}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput(f"script.config {file}: the file has no keys")
    return found


def _set(content: dict[str, Any], key: str, value: JsonValue, file: Path) -> None:
    at: Any = content
    *path, last = key.split(".")
    for part in path:
        if isinstance(at, dict):
            at = at.setdefault(part, {})
        elif isinstance(at, list) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        else:
            break
    else:
        if isinstance(at, dict):
            at[last] = value
            return
        if isinstance(at, list) and last.isdecimal() and int(last) < len(at):
            at[int(last)] = value
            return
    raise BadInput(f"config:{key}: {file} has no place for this key")


def _value(text: str, kind: str) -> JsonValue:
    try:
        if kind == ".toml":
            found: JsonValue = tomllib.loads(f"value = {text}")["value"]
        elif kind == ".json":
            found = json.loads(text)
        else:
            import yaml

            found = yaml.safe_load(text)
    except Exception:  # of three parsers: then it is text
        return text
    return found


def _written(content: dict[str, Any], kind: str) -> str:
    if kind == ".json":
        return json.dumps(content, indent=1)
    if kind == ".toml":
        import tomli_w

        return tomli_w.dumps(content)
    import yaml

    written: str = yaml.safe_dump(content, sort_keys=False)
    return written
