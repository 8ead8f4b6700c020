"""show: the card of a trick, or a recipe and its differences from the baseline."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.listing import cost_json, cost_text
from runner.commands.options import Json, Plugins, TaskName, assignments, load_plugins
from runner.tasks import registry as tasks
from runner.tasks.task import Task
from runner.text import counted
from tricks.costs import cost_of
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.field import FieldValue
    from runner.studies.composed import Composed
    from tricks.trick import Trick


def show(
    what: Annotated[str, typer.Argument(help='A trick, or "baseline+mixup(alpha=0.4)+cosine".')],
    task: TaskName = "digits",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="The value of a recipe field, such as epochs=5. Repeatable."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="Draw the trick's effect on images, to this file (.png, .svg, .pdf)."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A folder of images to draw on. [default: the task's images]"),
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Show a trick's idea, parameters and source, or a recipe in full.

    \b
    tricks-bench show mixup
    tricks-bench show mixup --image mixup.png --data my_images
    tricks-bench show "baseline+mixup(alpha=0.4)+cosine" --task digits
    """
    load_plugins(plugin)
    task_found = tasks.find(task)
    first = what.partition("+")[0].strip()
    if data is not None and image is None:
        raise BadInput("--data is for --image: name the picture to write with --image")
    if image is not None:
        _draw(what, task_found, data, image, json)
    elif first == "baseline":
        _recipe(what, task_found, assignments("--set", set_), json)
    elif "+" in _outside(what):
        raise BadInput(f'begin with the baseline: show "baseline+{what}"')
    else:
        _card(what, json)


def _draw(text: str, task: tasks.Task, data: Path | None, image: Path, json: bool) -> None:
    from runner.designs.factor import split
    from runner.inference.trick_pictures import draw
    from tricks.bag import parse

    names = [name for name in split(text, "+") if name.strip() != "baseline"]
    note = draw(text, [parse(name) for name in names], task, data, image)
    if json:
        print_json({"image": str(image)})
        return
    print(image)
    if note:
        print(note)


def _card(text: str, json: bool) -> None:
    from tricks.bag import parse

    trick = parse(text)
    cls = type(trick)
    values = {name: getattr(trick, name) for name in cls.parameters()}
    if json:
        card = {
            "name": cls.name, "group": cls.group(), "factor": cls.factor, "source": cls.source,
            "parameters": values, "standard": cls.standard, "idea": cls.idea(),
            "version": cls.version,
            "published": [dataclasses.asdict(x) for x in cls.published],
            "cost": cost_json(cost_of(cls.name, cls.version)),
        }  # fmt: skip
        print_json(card)
        return
    for line in card_lines(trick):
        print(line)


def card_lines(trick: Trick) -> Iterator[str]:
    """The card of a trick: its idea, the fields it acts on, parameters, source, cost."""
    cls = type(trick)
    values = {name: getattr(trick, name) for name in cls.parameters()}
    yield f"{trick}\n\n{inspect.cleandoc(cls.__doc__ or '')}\n"
    yield f"group       {cls.group()}{' (standard bag)' if cls.standard else ''}"
    if cls.factor:
        yield f"factor      {cls.factor}: one of several alternatives"
    edits = trick.edits()
    yield f"acts on     {', '.join((*edits.sets, *edits.adds))}"
    for field, (value, reason) in edits.needs.items():
        yield f"needs       {field}{'' if callable(value) else f'={value}'}: {reason}"
    for name, value in values.items():
        yield f"parameter   {name} = {value!r} ({_annotation(cls, name)})"
    yield f"source      {cls.source}"
    cost = cost_of(cls.name, cls.version)
    as_what = f" as {cost.what}" if cost and cost.what != cls.name else ""
    yield f"cost        on digits: {cost_text(cost)}{as_what}"
    for x in cls.published:
        unsure = "" if x.verified else "; unverified"
        runs = f"; {counted(x.runs, 'run')} a row" if x.runs else ""
        yield f"published   {x.effect:+.2f} pp, {x.kind} ({x.data}{runs}{unsure}): {x.source}"


def _recipe(text: str, task: tasks.Task, settings: dict[str, str], json: bool) -> None:
    from runner.studies.composed import composed
    from tricks.recipe import to_json

    found = composed(text, task, settings)
    if json:
        whole = to_json(found.recipe)
        print_json({"task": task.name, "recipe": whole, "changed": sorted(found.changed)})
        return
    for line in recipe_lines(text, task, found):
        print(line)


def recipe_lines(text: str, task: Task, found: Composed) -> Iterator[str]:
    """Every field of a recipe, with a * at each field that the tricks change, and the changes."""
    from tricks.recipe import FIELDS

    recipe, changed = found.recipe, found.changed
    yield f"{text} on {task.name}\n"
    width = max(map(len, FIELDS))
    for name in FIELDS:
        mark = "*" if name in changed else " "
        yield f"{mark} {name:{width}} {_full(getattr(recipe, name))}"
    yield f"\n{len(changed)} of {len(FIELDS)} fields differ from the baseline (*)"
    for name, (old, new) in changed.items():
        yield f"  {name}: {_full(old)} -> {_full(new)}"


def _full(value: FieldValue) -> str:
    """A field's value, with every parameter of a trick."""
    from runner.designs.field import field_text

    if isinstance(value, tuple):
        return " + ".join(_full(item) for item in value) or "none"
    if dataclasses.is_dataclass(value):
        parts = [f"{f.name}={getattr(value, f.name)!r}" for f in dataclasses.fields(value)]
        return f"{getattr(value, 'name', '')}({', '.join(parts)})"
    return field_text(value)


def _annotation(cls: type, name: str) -> str:
    return str(cls.__annotations__.get(name, "")) or "value"


def _outside(text: str) -> str:
    """`text` without its brackets and their content, where a + may be part of a number."""
    return text.partition("(")[0] + text.rpartition(")")[2] if "(" in text else text
