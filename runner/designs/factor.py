"""Factor: something that a grid varies, as named levels; and how levels change a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.designs.field import FieldValue, Scalar, field_text, field_values, with_fields
from runner.designs.reserved import is_bookkeeping
from tricks.bag import registry
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import FIELDS, Recipe
from tricks.trick import Trick, compose

PLACEBO = "placebo"  # the factor whose true effect is zero

# One level index for every factor; 0 is always the reference.
Arm = tuple[int, ...]


@dataclass(frozen=True)
class Level:
    """One level of a factor: tricks and recipe fields, or words for a script's command.

    All may be empty.
    """

    name: str
    tricks: tuple[Trick, ...] = ()
    fields: tuple[tuple[str, FieldValue], ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Factor:
    """A name and at least two levels. The first level is the reference (the baseline's).

    kind: "trick" (off, on), "group" (alternatives of one kind), "field" (values of a field) or
    "levels" (several edits each).
    """

    name: str
    levels: tuple[Level, ...]
    kind: str

    def index(self, level: str) -> int:
        """The position of the level called `level`. Raises BadInput that lists the known levels."""
        names = [item.name for item in self.levels]
        if level not in names:
            raise BadInput(f"{self.name} has no level {level!r}: it has {', '.join(names)}")
        return names.index(level)


def standard_bag() -> tuple[Trick, ...]:
    """The standard tricks with their defaults, in the order of the registry."""
    return tuple(cls() for cls in registry().values() if cls.standard)


def trick_factors(tricks: Sequence[Trick], baseline: Recipe) -> list[Factor]:
    """Factors of `tricks` in the given order: off/on for each trick, one factor for alternatives.

    Tricks with the same `factor` are levels of one factor; its reference is the baseline's trick.
    Raises BadInput for a trick named twice, and for a reserved name.
    """
    texts = [str(trick) for trick in tricks]
    for text in texts:
        if texts.count(text) > 1:
            raise BadInput(f"{text} is named twice in --tricks")
    groups: dict[str, list[Trick]] = {}
    for trick in tricks:
        groups.setdefault(trick.factor or str(trick), []).append(trick)
    factors = []
    for name, members in groups.items():
        if members[0].factor is None:
            factors.append(named(name, (Level("off"), Level("on", tuple(members))), "trick"))
            continue
        held = _held(baseline, name)
        others = [trick for trick in members if trick != held]
        if not others:
            raise BadInput(f"{members[0]} changes nothing: the baseline has it already")
        reference = "none" if held is None else held.name
        if held is not None and reference in [str(trick) for trick in others]:
            reference = str(held)
        levels = (Level(reference), *(Level(str(trick), (trick,)) for trick in others))
        factors.append(named(name, levels, "group"))
    return factors


def field_factor(name: str, values: Iterable[Scalar], baseline: Recipe) -> Factor:
    """The factor of recipe field `name` with `values` (texts or values) as its levels.

    The reference is the baseline's value if it is in `values`, else the first value. Raises
    BadInput for an unknown field, a value of the wrong type or range, or fewer than two values.
    """
    parsed = field_values(name, values, baseline, f"--factor {name}")
    held = getattr(baseline, name)
    first = parsed.pop(parsed.index(held) if held in parsed else 0)
    levels = tuple(Level(field_text(value), (), ((name, value),)) for value in (first, *parsed))
    return named(name, levels, "field")


def compose_levels(baseline: Recipe, levels: Iterable[Level]) -> Recipe:
    """`baseline` with the fields and then the tricks of `levels`.

    Raises TrickConflict if a trick would overwrite a field that a level sets, or if two levels set
    the same field.
    """
    changed: dict[str, FieldValue] = {}
    tricks: list[Trick] = []
    for level in levels:
        for name, value in level.fields:
            if changed.get(name, value) != value and getattr(baseline, name) != value:
                ways = " and ".join(f"{name}={field_text(x)}" for x in (changed[name], value))
                raise TrickConflict(f"{ways} are both requested: choose one")
            if getattr(baseline, name) != value:
                changed[name] = value
        tricks += level.tricks
    if changed:
        for trick in tricks:
            edits = trick.edits()
            for name in (*edits.sets, *edits.adds):
                if name in changed:
                    text = field_text(changed[name])
                    raise TrickConflict(f"{trick} and {name}={text} both set {name}: choose one")
        baseline = with_fields(baseline, changed)
    return compose(baseline, tricks)


def touched(level: Level) -> set[str]:
    """The recipe fields that `level` sets or adds to."""
    edits = [trick.edits() for trick in level.tricks]
    own = {name for name, _ in level.fields}
    return own.union(*((*edit.sets, *edit.adds) for edit in edits))


def arm_levels(factors: Sequence[Factor], arm: Arm) -> tuple[Level, ...]:
    """The levels of `arm`, one for each factor."""
    return tuple(factor.levels[index] for factor, index in zip(factors, arm, strict=True))


def level_names(factors: Sequence[Factor], arm: Arm) -> dict[str, str]:
    """Factor -> level name."""
    return {f.name: f.levels[index].name for f, index in zip(factors, arm, strict=True)}


def asked_names(factors: Sequence[Factor], arm: Arm) -> tuple[str, ...]:
    """The tricks and field values of an arm, without reference levels."""
    names = []
    for factor, index in zip(factors, arm, strict=True):
        if index:
            level = factor.levels[index]
            names += [f"{name}={field_text(value)}" for name, value in level.fields]
            names += [str(trick) for trick in level.tricks]
    return tuple(names)


def split(text: str, separator: str = ",") -> list[str]:
    """The parts of `text` between separators outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _held(baseline: Recipe, factor: str) -> Trick | None:
    """The baseline's trick for `factor`, if any."""
    for name in FIELDS:
        value = getattr(baseline, name)
        if isinstance(value, Trick) and value.factor == factor:
            return value
    return None


def named(name: str, levels: tuple[Level, ...], kind: str) -> Factor:
    """A factor. Raises BadInput for a name that is a column of the results table."""
    if is_bookkeeping(name) or name == "epoch":
        raise BadInput(
            f"a factor cannot be called {name!r}, which is a column of the results "
            "table: choose another name"
        )
    return Factor(name, levels, kind)


def describe(factors: Sequence[Factor]) -> list[Mapping[str, str | list[str]]]:
    """Factors as JSON values: name, kind, and levels with the reference first."""
    return [
        {"name": f.name, "kind": f.kind, "levels": [level.name for level in f.levels]}
        for f in factors
    ]
