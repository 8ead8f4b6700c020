"""list: the available tricks, tasks, grids and studies."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Plugins, Results, chosen, load_plugins
from runner.records.json_values import JsonValue
from runner.records.layout import RESULTS
from runner.text import counted
from tricks.costs import Cost, cost_of
from tricks.errors import BadInput, unknown

NARROWEST = 30  # characters of a text beside the names, also on a narrow terminal


@dataclass(frozen=True)
class Row:
    """One entry of a list. text: printed beside the name. keys: further keys of --json."""

    name: str
    text: str
    keys: Mapping[str, JsonValue]


def list_(
    what: Annotated[str, typer.Argument(help="tricks, tasks, grids or studies.")],
    results: Results = RESULTS,
    plugin: Plugins = None,
    task: Annotated[
        str | None, typer.Option(help="For grids: take the factors of this task.")
    ] = None,
    tricks: Annotated[
        str | None, typer.Option("--tricks", help="For grids: these tricks, or none.")
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option(help="For grids: a recipe field to vary. Repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="For grids: the value of a recipe field in all arms. Repeatable."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="For grids: the seeds of each arm.")] = None,
    runs: Annotated[
        int | None, typer.Option(help="For grids: runs of a fraction per seed.")
    ] = None,
    json: Json = False,
) -> None:
    """List tricks, tasks, grids or studies. For given factors, compare the precision of the grids.

    \b
    tricks-bench list grids --tricks warmup,cosine,mixup,cutmix --seeds 4
    """
    load_plugins(plugin)
    if what not in LISTS:
        raise unknown("list", what, LISTS)
    flags = {"--task": task, "--tricks": tricks, "--factor": factor, "--set": set_,
             "--seeds": seeds, "--runs": runs}  # fmt: skip
    named = [flag for flag, value in flags.items() if value is not None]
    if named and what != "grids":
        raise BadInput(f"{named[0]} is for `tricks-bench list grids`: leave it out for {what}")
    if named:
        if seeds is not None and seeds < 1:
            raise BadInput(f"--seeds must be at least 1, not {seeds}")
        from runner.commands.grids_text import grids_json, grids_lines
        from runner.planning.grids import outlooks

        study = chosen(task or "digits", tricks, factor, set_)
        found = outlooks(study, seeds, runs)
        if json:
            print_json(grids_json(found))
            return
        for line in (*study.notes, *grids_lines(found)):
            print(line)
        return
    rows = LISTS[what](results)
    if json:
        print_json([{"name": row.name, **row.keys} for row in rows])
        return
    if not rows:
        print(f"no {what} yet")
    print_rows(rows)
    if what == "tricks":
        print("`tricks-bench show mixup` tells what a trick changes, and its source")
    if what == "grids":
        print(
            "`tricks-bench list grids --tricks warmup,cosine,mixup` (or --task digits, for the "
            "standard bag) compares the grids for these factors: runs, standard errors, aliases"
        )


def print_rows(rows: Sequence[Row]) -> None:
    """One line for each row; on a terminal, long texts go on below, under their first line."""
    width = max((len(row.name) for row in rows), default=0)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for row in rows:
        print(textwrap.fill(
            row.text, max(columns, width + NARROWEST), initial_indent=f"{row.name:{width}}  ",
            subsequent_indent=" " * (width + 2), break_long_words=False, break_on_hyphens=False,
        ))  # fmt: skip


def tricks(results: Path) -> list[Row]:
    """Every known trick, with the keys of the JSON contract."""
    from tricks.bag import registry

    rows = []
    for name, cls in registry().items():
        cost = cost_of(name, cls.version)
        marks = [cls.group(), *(["standard"] if cls.standard else [])]
        marks.append(f"cost on digits: {cost_text(cost)}")
        keys: dict[str, JsonValue] = {
            "group": cls.group(),
            "factor": cls.factor,
            "source": cls.source,
            "parameters": cls.parameters(),
            "standard": cls.standard,
            "idea": cls.idea(),
            "cost": cost_json(cost),
        }
        rows.append(Row(name, f"{cls.idea()} [{', '.join(marks)}]", keys))
    return rows


def cost_json(cost: Cost | None) -> Mapping[str, JsonValue]:
    """CPU time of training and evaluation on digits, relative to the baseline; null: not measured.

    `what`: the trick with its parameters as measured.
    """
    if cost is None:
        reason = "not measured: `python -m benchmarks.costs` does not measure this trick"
        return {"training": None, "evaluation": None, "reason": reason}
    return asdict(cost)


def cost_text(cost: Cost | None) -> str:
    """The cost as text; the evaluation is left out where it costs no more than the baseline's."""
    if cost is None:
        return "not measured"
    more = cost.evaluation.low > 1.1 or cost.evaluation.high < 0.9
    return f"{cost.training}{f', evaluation {cost.evaluation}' if more else ''}"


def tasks(results: Path) -> list[Row]:
    """Every task with a fixed name, and the tasks whose name holds the place of the images."""
    from runner.tasks import registry as known

    fixed = {name: task.summary for name, task in known.all_tasks().items()}
    told = {**fixed, **known.YOURS}
    return [_row(name, told.get(name, "images from a plug-in")) for name in known.names()]


def grids(results: Path) -> list[Row]:
    """Every grid."""
    from runner.designs.registry import grids

    return [_row(name, cls.summary, seeds=cls.default_seeds) for name, cls in grids().items()]


def studies(results: Path) -> list[Row]:
    """Studies that come with the package, then studies in the store."""
    from runner.records.store import existing
    from runner.records.studies import load_study, study_names
    from runner.studies.asked import shipped

    rows = [_row(name, _first_comment(file), where=str(file)) for name, file in shipped().items()]
    store = existing(results)
    if store is None:
        return rows
    for name in study_names(store):
        try:
            asked = load_study(store, name).asked
            arms = [] if asked.arms is None else [counted(asked.arms, "arm")]
            summary = ", ".join([asked.task, asked.grid, *arms])
        except BadInput as error:
            summary = f"broken: {error}"
        rows.append(_row(name, summary, where=str(results)))
    return rows


LISTS = {"tricks": tricks, "tasks": tasks, "grids": grids, "studies": studies}


def _row(name: str, summary: str, **keys: JsonValue) -> Row:
    return Row(name, summary, {"summary": summary, **keys})


def _first_comment(file: Path) -> str:
    first = file.read_text(encoding="utf-8").split("\n", 1)[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
