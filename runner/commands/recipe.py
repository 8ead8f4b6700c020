"""recipe: print a recipe for use elsewhere, as a PyTorch script, timm's arguments, TOML or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Plugins, Results, TaskName, assignments, load_plugins
from runner.records.layout import RESULTS
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.inference.recipe.subject import Subject
    from runner.records.json_values import JsonValue

FORMS = ("pytorch", "timm", "toml", "json")


def recipe(
    what: Annotated[
        str,
        typer.Argument(
            help="A study (the arm that its report recommends), an exported folder, a run's id, or "
            '"baseline+mixup(alpha=0.4)+cosine".'
        ),
    ],
    as_: Annotated[
        str,
        typer.Option(
            "--as",
            help="pytorch (a stand-alone script), timm (arguments for timm's train.py), toml (a "
            "file for --study), or json.",
        ),
    ] = "json",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. [default: print it]")
    ] = None,
    task: TaskName = "digits",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="With baseline+...: a field's value, epochs=5."),
    ] = None,
    results: Results = RESULTS,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Write a recipe for use without tricks-bench, such as a script of torch, torchvision and timm.

    \b
    tricks-bench recipe my-study --as pytorch -o train.py
    tricks-bench recipe "baseline+mixup+cosine" --task folder:photos --as timm
    """
    load_plugins(plugin)
    if as_ not in FORMS:
        raise unknown("--as", as_, FORMS)
    if output is not None and not output.absolute().parent.is_dir():
        raise BadInput(f"{output}: there is no folder {output.parent}")
    from runner.inference.recipe.subject import subject

    found = subject(what, task, assignments("--set", set_), results)
    text, more = _said(found, as_)
    if output is not None:
        from runner.records import atomic_write

        with atomic_write.output(output):
            atomic_write.replace(output, text.encode())
    if json:
        about = {"name": found.name, "task": found.task, "as": as_, "about": list(found.about)}
        written = None if output is None else str(output)
        print_json({**about, "output": written, "text": text, **more})
    elif output is not None:
        print(" ".join(found.about))
        print(output)
    else:
        print(text, end="")


def _said(found: Subject, form: str) -> tuple[str, dict[str, JsonValue]]:
    """The recipe in a form, and further keys for --json."""
    if form == "pytorch":
        from runner.inference.recipe.script import script

        return script(found), {}
    if form == "timm":
        from runner.inference.recipe.timm_arguments import timm_arguments, timm_text

        said = timm_arguments(found)
        return timm_text(said), {"cannot": said.cannot, "differs": said.differs}
    if form == "toml":
        from runner.inference.recipe.study_toml import study_toml

        return study_toml(found), {}
    from runner.inference.recipe.as_json import as_json

    return as_json(found), {}
