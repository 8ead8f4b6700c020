"""Loading of tricks: the bag's files, installed plug-ins, a user's file. Torch-free."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import json
import pkgutil
import sys
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tricks import guest
from tricks.errors import BadInput
from tricks.recipe import Recipe
from tricks.trick import REGISTERED, Trick, edits_of, tricks_in
from tricks.values import coerce

_broken: dict[str, str] = {}  # installed plug-ins that cannot be used -> why


def _check_class(cls: type[Trick]) -> None:
    """Raises BadInput for a plug-in's trick that cannot be listed or composed."""
    what = f"trick {cls.name}"
    if cls.edits is Trick.edits:
        raise BadInput(f"{what} has no method edits")
    if not (isinstance(cls.source, str) and cls.source):
        raise BadInput(f"{what} has no source: say where its defaults come from")
    try:
        hints = typing.get_type_hints(cls)
    except Exception as error:
        raise BadInput(f"{what}: its annotations cannot be read: {error}") from error
    for name, default in cls.parameters().items():
        if default is dataclasses.MISSING:
            raise BadInput(f"{what}: its parameter {name} has no default")
        coerce(f"{what}: the default of {name}", default, hints[name])
        try:
            json.dumps(default, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{what}: the default of {name} is no plain value") from error
    try:
        edits = edits_of(cls())
        dataclasses.replace(Recipe(), **edits.sets)
    except Exception as error:
        told = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        raise BadInput(f"{what}: {told}") from error


def load_checked(load: Callable[[], Any], what: str) -> None:
    """Call `load`, which defines tricks. If one is invalid: unregister all, raise BadInput.

    what: the name of the plug-in, with which the message begins.
    """
    before = dict(REGISTERED)

    def loaded() -> None:
        load()
        for name, cls in tuple(REGISTERED.items()):
            if name not in before:
                _check_class(cls)

    try:
        guest.call(loaded, what)
    except Exception as error:
        REGISTERED.clear()
        REGISTERED.update(before)
        if isinstance(error, BadInput) and str(error).startswith(what):
            raise
        told = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        raise BadInput(f"{what}: {told}") from error


@cache
def find_all() -> None:
    """Import every file of the bag and every installed plug-in, once."""
    from importlib.metadata import entry_points

    for info in pkgutil.walk_packages([str(Path(__file__).parent)], "tricks."):
        importlib.import_module(info.name)
    for entry in entry_points(group="tricks_bench.tricks"):
        what = f"the installed plug-in {entry.name} ({entry.value})"
        try:
            load_checked(entry.load, what)
        except BadInput as error:
            why = " ".join(str(error).removeprefix(what).removeprefix(":").split())
            _broken[f"{entry.name} ({entry.value})"] = why
            print(f"tricks-bench: {what} is broken and left out: {why}", file=sys.stderr)


def broken() -> dict[str, str]:
    """Installed plug-ins that cannot be used, with the reason."""
    find_all()
    return dict(_broken)


def plugin_sources(recipe: Recipe) -> dict[str, str]:
    """Plug-in trick in `recipe` -> the first digits of the SHA-256 of its file.

    A trick that only sets plain fields is left out, since the recipe contains it completely.
    """
    kinds = {type(trick) for trick in tricks_in(recipe) if trick.group() == "plugin"}
    return {kind.name: _digest(kind.__module__) for kind in sorted(kinds, key=lambda k: k.name)}


@cache
def _digest(module: str) -> str:
    """The digest of the loaded module's file; "unknown" if it has no file."""
    try:
        return hashlib.sha256(Path(str(sys.modules[module].__file__)).read_bytes()).hexdigest()[:16]
    except (OSError, KeyError, AttributeError):
        return "unknown"


def load_plugin(path: str | Path) -> None:
    """Import the trick file at `path`, once only. Raises BadInput if it cannot be imported."""
    file = Path(path).resolve()
    if not file.is_file():
        raise BadInput(f"--plugin {path}: there is no such file")
    find_all()
    name = f"tricks_bench_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BadInput(f"--plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader = spec.loader
    try:
        load_checked(lambda: loader.exec_module(module), f"--plugin {path}")
    except BadInput:
        del sys.modules[name]
        raise
