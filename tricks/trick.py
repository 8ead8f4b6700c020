"""Trick: a named set of edits to a recipe; the registry; compose. Torch-free."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tricks.errors import BadInput, TrickConflict, unknown
from tricks.published import Published
from tricks.recipe import CHOICES, FIELDS, STACKS, Recipe
from tricks.values import coerce

# The folders of the bag, in the order of training.
GROUPS = (
    "schedule", "start", "model", "optimizer", "target",
    "mix", "augment", "average", "predict", "compute",
)  # fmt: skip


@dataclass(frozen=True)
class Edits:
    """The changes that a trick makes to a recipe; they never depend on the recipe.

    sets: field -> value, for fields that only one trick may set.
    adds: stack field -> one item.
    needs: field -> (value that it must have after all edits, the reason). If several values are
        allowed, a test (value -> bool) replaces the value.
    acts: (test of the whole recipe, the reason). If the test fails, the trick would change
        nothing in this recipe.
    """

    sets: Mapping[str, Any] = field(default_factory=dict)
    adds: Mapping[str, Trick] = field(default_factory=dict)
    needs: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    acts: tuple[tuple[Callable[[Recipe], bool], str], ...] = ()


@dataclass(frozen=True)
class Trick:
    """A trick: its dataclass fields are the parameters, its class variables are the card.

    The first line of a trick's docstring is its idea in one sentence. A subclass is registered
    when it is defined. The folder of its file is the trick's group.
    """

    name: ClassVar[str] = ""
    source: ClassVar[str] = ""  # paper or library of the defaults
    version: ClassVar[int] = 1  # increased when the same parameters get another meaning
    factor: ClassVar[str | None] = None  # the factor that has this trick as a level
    standard: ClassVar[bool] = False  # whether it is in the standard bag
    published: ClassVar[tuple[Published, ...]] = ()  # published effects, with source
    stage: ClassVar[int] = 0  # place within a stack; ties are broken by name
    aside: ClassVar[tuple[str, ...]] = ()  # parameters that are paths, which are not in an id

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

    def as_level(self) -> str:
        """The text of the trick as a field's value; it is the name of a factor's level."""
        return str(self)

    def __str__(self) -> str:
        """The shortest text that `parse` reads back, e.g. `mixup(alpha=0.4)`."""
        defaults = self.parameters()
        changed = {n: getattr(self, n) for n in defaults if getattr(self, n) != defaults[n]}
        inside = ", ".join(f"{name}={value!r}" for name, value in sorted(changed.items()))
        return f"{self.name}({inside})" if inside else self.name


REGISTERED: dict[str, type[Trick]] = {}  # by name; filled as trick classes are defined
_PLAIN = {"int": int, "float": float, "bool": bool, "str": str}


def _register(cls: type[Trick]) -> None:
    held = REGISTERED.get(cls.name)
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
    REGISTERED[cls.name] = cls


def edits_of(trick: Trick) -> Edits:
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
        elif isinstance(value, str) and name in CHOICES:  # the recipe checks it
            pass
        elif value is not None and not isinstance(value, Trick):
            raise BadInput(f"{name} of {trick} must be a trick, not {value!r}")
    for name, item in edits.adds.items():
        if name not in STACKS:
            raise BadInput(f"{trick.name} adds to {name}, which has one value: set it")
        if not isinstance(item, Trick):
            raise BadInput(f"what {trick} adds to {name} must be a trick, not {item!r}")
    return edits


def compose(baseline: Recipe, tricks: Iterable[Trick]) -> Recipe:
    """`baseline` with the edits of `tricks`; the order of `tricks` does not matter.

    Raises TrickConflict if two tricks set the same field, if a trick is named twice, if a need is
    not met, or if a trick changes nothing beside the baseline or another trick.
    """
    ordered = sorted(tricks, key=lambda t: t.name)
    owner: dict[str, Trick] = {}
    values: dict[str, Any] = {}
    edited: list[tuple[Trick, Edits]] = []
    seen: set[str] = set()
    for trick in ordered:
        if trick.name in seen:
            raise TrickConflict(f"{trick.name} is named twice")
        seen.add(trick.name)
        try:
            edits = edits_of(trick)
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
        edited.append((trick, edits))
        if not edits.adds and all(getattr(baseline, n) == v for n, v in edits.sets.items()):
            raise TrickConflict(f"{trick} changes nothing: the baseline has it already")
    try:
        recipe = dataclasses.replace(baseline, **values)
    except BadInput as error:
        at_fault = owner.get(str(error).split()[0])
        raise BadInput(_blame(at_fault, str(error)) if at_fault else str(error)) from error
    check(recipe, edited)
    return recipe


def check(recipe: Recipe, edited: Iterable[tuple[Trick, Edits]]) -> None:
    """Raises TrickConflict if a need of a trick is not met, or if a trick would change nothing."""
    edited = list(edited)
    for trick, edits in edited:
        for name, (value, reason) in edits.needs.items():
            held = getattr(recipe, name)
            if callable(value) and not value(held):
                raise TrickConflict(f"{trick} cannot stand with {name}={_shown(held)}: {reason}")
            if not callable(value) and held != value:
                raise TrickConflict(f"{trick} needs {name}={value}: {reason}")
    for trick, edits in edited:
        for does, reason in edits.acts:
            if not does(recipe):
                raise TrickConflict(f"{trick} changes nothing here: {reason}")


def check_held(recipe: Recipe) -> None:
    """`check` of all tricks in the fields of `recipe`."""
    check(recipe, [(item, edits_of(item)) for item in tricks_in(recipe)])


def tricks_in(recipe: Recipe) -> Iterator[Trick]:
    """The tricks in the fields of `recipe`."""
    for name in FIELDS:
        value = getattr(recipe, name)
        items = value if isinstance(value, tuple) else (value,)
        yield from (item for item in items if isinstance(item, Trick))


def _shown(value: Any) -> str:
    """A recipe's value as a user writes it."""
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "none"
    return str(value)


def _blame(trick: Trick, what: str) -> str:
    """A message on an error in a trick's code, with its name and file."""
    file = getattr(sys.modules.get(type(trick).__module__), "__file__", None)
    return f"the trick {trick}{f' in {file}' if file else ''}: {what}"
