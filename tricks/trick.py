"""Trick: a named set of edits to a recipe; the registry; compose and parse. Torch-free."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import math
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from tricks.errors import BadInput, TrickConflict, unknown
from tricks.recipe import FIELDS, STACKS, Recipe

# The folders of the bag, in the order in which they act on a training.
GROUPS = (
    "schedule", "start", "model", "optimizer", "target",
    "mix", "augment", "average", "predict", "compute",
)  # fmt: skip


@dataclass(frozen=True)
class Edits:
    """What a trick does to a recipe, without reading it.

    sets: field -> value, for fields that have one owner.
    adds: stack field -> one item.
    needs: field -> (value it must have in the end, the reason).
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    adds: Mapping[str, Trick] = field(default_factory=dict)
    needs: Mapping[str, tuple[Any, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Trick:
    """A trick: frozen dataclass fields are its parameters, class variables are its card.

    The first line of a trick's docstring is its idea in one sentence. Subclasses are registered
    by being defined; the folder of the file is the trick's group.
    """

    name: ClassVar[str] = ""
    source: ClassVar[str] = ""  # paper or library that the defaults come from
    version: ClassVar[int] = 1  # raised when the same parameters come to mean something else
    factor: ClassVar[str | None] = None  # the factor of which this trick is one level
    standard: ClassVar[bool] = False  # one of the standard bag
    stage: ClassVar[int] = 0  # place within a stack; ties are broken by name

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _register(cls)

    def edits(self) -> Edits:
        """What this trick sets, adds and needs."""
        raise NotImplementedError

    @classmethod
    def group(cls) -> str:
        """The folder of the bag that holds this trick, or "plugin"."""
        parts = cls.__module__.split(".")
        return parts[1] if parts[0] == "tricks" and len(parts) > 2 else "plugin"

    @classmethod
    def idea(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().split("\n")[0]

    @classmethod
    def parameters(cls) -> dict[str, Any]:
        """Parameter -> default."""
        return {f.name: f.default for f in dataclasses.fields(cls)}

    def __str__(self) -> str:
        """The shortest text that `parse` reads back, e.g. `mixup(alpha=0.4)`."""
        defaults = self.parameters()
        changed = {n: getattr(self, n) for n in defaults if getattr(self, n) != defaults[n]}
        inside = ", ".join(f"{name}={value!r}" for name, value in sorted(changed.items()))
        return f"{self.name}({inside})" if inside else self.name


_registry: dict[str, type[Trick]] = {}
_broken: dict[str, str] = {}  # installed plug-ins that cannot be used -> why
_PLAIN = {"int": int, "float": float, "bool": bool, "str": str}


def _register(cls: type[Trick]) -> None:
    held = _registry.get(cls.name)
    same = held is not None and (held.__module__, held.__qualname__) == (
        cls.__module__,
        cls.__qualname__,
    )
    if held is not None and not same:
        raise BadInput(
            f"two tricks are called {cls.name!r}: one in {held.__module__}, one in {cls.__module__}"
        )
    if not cls.name:
        raise BadInput(f"the trick class {cls.__qualname__} has no name")
    _registry[cls.name] = cls


def _check_class(cls: type[Trick]) -> None:
    """Raises BadInput for a trick of a third party that could not be listed or composed."""
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
        edits = _edits(cls())
        dataclasses.replace(Recipe(), **edits.sets)
    except Exception as error:
        told = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        raise BadInput(f"{what}: {told}") from error


def _edits(trick: Trick) -> Edits:
    """The edits of `trick`. Raises BadInput where a recipe cannot take them."""
    edits = trick.edits()
    if not isinstance(edits, Edits):
        raise BadInput(f"edits gives {edits!r}, not Edits")
    for name in (*edits.sets, *edits.adds, *edits.needs):
        if name not in FIELDS:
            raise unknown(f"recipe field in {trick.name}", name, FIELDS)
    for name, value in edits.sets.items():
        if name in STACKS:
            raise BadInput(f"{trick.name} sets {name}, to which tricks can only add")
        kind = _PLAIN.get(Recipe.__annotations__[name])
        if kind is not None:
            coerce(f"{name} of {trick}", value, kind)
        elif value is not None and not isinstance(value, Trick):
            raise BadInput(f"{name} of {trick} must be a trick, not {value!r}")
    for name, item in edits.adds.items():
        if name not in STACKS:
            raise BadInput(f"{trick.name} adds to {name}, which has one value: set it")
        if not isinstance(item, Trick):
            raise BadInput(f"what {trick} adds to {name} must be a trick, not {item!r}")
    return edits


def _load_checked(load: Callable[[], Any]) -> None:
    """Call `load`, which defines tricks. Raises BadInput, and forgets them, if one is no good."""
    before = dict(_registry)
    try:
        load()
        for name, cls in tuple(_registry.items()):
            if name not in before:
                _check_class(cls)
    except (Exception, SystemExit) as error:
        _registry.clear()
        _registry.update(before)
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{type(error).__name__}: {error}") from error


@cache
def _find_all() -> None:
    """Import every file of the bag and every installed plug-in, once."""
    import tricks

    for info in pkgutil.walk_packages(tricks.__path__, "tricks."):
        importlib.import_module(info.name)
    for entry in importlib.metadata.entry_points(group="tricks_bench.tricks"):
        try:
            _load_checked(entry.load)
        except BadInput as error:
            _broken[f"{entry.name} ({entry.value})"] = " ".join(str(error).split())
            print(
                f"tricks-bench: the installed plug-in {entry.name} ({entry.value}) is broken and "
                f"left out: {' '.join(str(error).split())}",
                file=sys.stderr,
            )


def broken() -> dict[str, str]:
    """Installed plug-ins that cannot be used, with the reason."""
    _find_all()
    return dict(_broken)


def load_plugin(path: str | Path) -> None:
    """Import the trick file at `path`; a second time is no event. Raises BadInput if it cannot."""
    file = Path(path).resolve()
    if not file.is_file():
        raise BadInput(f"--plugin {path}: there is no such file")
    _find_all()
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
        _load_checked(lambda: loader.exec_module(module))
    except BadInput as error:
        del sys.modules[name]
        raise BadInput(f"--plugin {path}: {error}") from error


def registry() -> dict[str, type[Trick]]:
    """Every known trick by name, ordered by group (as it acts on a training), then name."""
    _find_all()
    rank = {group: i for i, group in enumerate((*GROUPS, "plugin"))}
    names = sorted(_registry, key=lambda n: (rank.get(_registry[n].group(), len(rank)), n))
    return {name: _registry[name] for name in names}


def find(name: str) -> type[Trick]:
    """The trick class called `name`. Raises BadInput with close matches."""
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
        # A hyphenated name is no Python name: parse the arguments behind a stand-in.
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
    """The trick `cls` with checked parameter values; ints become floats where floats are meant."""
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
    """`value` as a finite float, if it is one or a whole number that a float can hold."""
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


def compose(baseline: Recipe, tricks: Iterable[Trick]) -> Recipe:
    """`baseline` with the edits of `tricks`; the order of `tricks` does not matter.

    Raises TrickConflict if two set the same field, the same trick stands twice, a need is not
    met, or a trick changes nothing.
    """
    ordered = sorted(tricks, key=lambda t: t.name)
    owner: dict[str, Trick] = {}
    values: dict[str, Any] = {}
    needs: list[tuple[Trick, str, Any, str]] = []
    seen: set[str] = set()
    for trick in ordered:
        if trick.name in seen:
            raise TrickConflict(f"{trick.name} is named twice")
        seen.add(trick.name)
        try:
            edits = _edits(trick)
        except BadInput as error:
            if isinstance(error, TrickConflict) or trick.group() != "plugin":
                raise
            raise BadInput(_blame(trick, str(error))) from error
        except Exception as error:
            raise BadInput(_blame(trick, f"{type(error).__name__}: {error}")) from error
        for name, value in edits.sets.items():
            if name in owner:
                raise TrickConflict(f"{owner[name]} and {trick} both set {name}: choose one")
            owner[name] = trick
            values[name] = value
        for name, item in edits.adds.items():
            held = values.get(name, getattr(baseline, name))
            if any(other.name == item.name for other in held):
                raise TrickConflict(
                    f"{trick} changes nothing: the baseline has {item.name} already"
                )
            stack = (*held, item)
            values[name] = tuple(sorted(stack, key=lambda t: (t.stage, t.name)))
        needs += [(trick, name, *need) for name, need in edits.needs.items()]
        if not edits.adds and all(getattr(baseline, n) == v for n, v in edits.sets.items()):
            raise TrickConflict(f"{trick} changes nothing: the baseline has it already")
    try:
        recipe = dataclasses.replace(baseline, **values)
    except BadInput as error:
        at_fault = owner.get(str(error).split()[0])
        raise BadInput(_blame(at_fault, str(error)) if at_fault else str(error)) from error
    for trick, name, value, reason in needs:
        if getattr(recipe, name) != value:
            raise TrickConflict(f"{trick} needs {name}={value}: {reason}")
    return recipe


def _blame(trick: Trick, what: str) -> str:
    """A fault in a trick's own code, with its name and file."""
    file = getattr(sys.modules.get(type(trick).__module__), "__file__", None)
    return f"the trick {trick}{f' in {file}' if file else ''}: {what}"


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
