"""list: the tricks, tasks, grids and studies there are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Plugins, Results, chosen, load_plugins
from runner.records.layout import RESULTS
from runner.text import counted
from tricks.errors import BadInput, unknown


def list_(
    what: Annotated[str, typer.Argument(help="tricks, tasks, grids or studies.")],
    results: Results = RESULTS,
    plugin: Plugins = None,
    task: Annotated[str | None, typer.Option(help="grids: for the factors of this task.")] = None,
    tricks: Annotated[
        str | None, typer.Option("--tricks", help="grids: for these tricks; or none.")
    ] = None,
    factor: Annotated[
        list[str] | None, typer.Option(help="grids: a recipe field to vary. Repeatable.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="grids: a recipe field for all arms.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="grids: runs of each arm.")] = None,
    runs: Annotated[int | None, typer.Option(help="grids: runs of a fraction.")] = None,
    json: Json = False,
) -> None:
    """List tricks, tasks, grids or studies; with factors, what each grid would tell of them.

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
        raise BadInput(f"{named[0]} is for `tricks-bench list grids`: {what} take none")
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
        print_json(rows)
        return
    if not rows:
        print(f"no {what} yet")
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{row['name']:{width}}  {_line(row)}".rstrip())
    if what == "grids":
        print(
            "`tricks-bench list grids --tricks warmup,cosine,mixup` (or --task digits, for the "
            "standard bag) says what each would tell of them: runs, standard errors, aliases"
        )


def tricks(results: Path) -> list[dict[str, Any]]:
    """Every known trick, as the JSON contract has it."""
    from tricks.bag import registry

    return [
        {
            "name": name,
            "group": cls.group(),
            "factor": cls.factor,
            "source": cls.source,
            "parameters": cls.parameters(),
            "standard": cls.standard,
            "idea": cls.idea(),
            "cost": cost(name, cls.version),
        }
        for name, cls in registry().items()
    ]


def cost(name: str, version: int) -> dict[str, Any]:
    """CPU time on digits by that of the baseline, of training and evaluation; null: not measured.

    `what`: the trick as it was measured.
    """
    from tricks.costs import cost_of

    found = cost_of(name, version)
    if found is None:
        reason = "not measured: python -m benchmarks.costs has no figure for it"
        return {"training": None, "evaluation": None, "reason": reason}
    return dataclasses.asdict(found)


def cost_text(cost: dict[str, Any]) -> str:
    """The cost as people read it; an evaluation that costs nothing more is left out."""
    from tricks.costs import Ratio

    if cost["training"] is None:
        return "not measured"
    training, evaluation = Ratio(**cost["training"]), Ratio(**cost["evaluation"])
    more = evaluation.low > 1.1 or evaluation.high < 0.9
    return f"{training}{f', evaluation {evaluation}' if more else ''}"


def tasks(results: Path) -> list[dict[str, Any]]:
    """Every task of a fixed name, and those named by where the images are."""
    from runner.tasks import registry as known

    return [{"name": name, "summary": _summary(name)} for name in known.names()]


def grids(results: Path) -> list[dict[str, Any]]:
    """Every grid."""
    from runner.designs.registry import grids

    return [
        {"name": name, "summary": cls.summary, "seeds": cls.default_seeds}
        for name, cls in grids().items()
    ]


def studies(results: Path) -> list[dict[str, Any]]:
    """Studies that come with the package, then those in the store."""
    from runner.studies.asked import shipped

    rows = [
        {"name": name, "summary": _first_comment(file), "where": str(file)}
        for name, file in shipped().items()
    ]
    if (results / "FORMAT").exists():
        from runner.records.store import Store
        from runner.records.studies import load_study, study_names

        store = Store(results, create=False)
        for name in study_names(store):
            try:
                asked = load_study(store, name).asked
                arms = [] if asked.arms is None else [counted(asked.arms, "arm")]
                summary = ", ".join([asked.task, asked.grid, *arms])
            except BadInput as error:
                summary = f"broken: {error}"
            rows.append({"name": name, "summary": summary, "where": str(results)})
    return rows


LISTS = {"tricks": tricks, "tasks": tasks, "grids": grids, "studies": studies}


def _line(row: dict[str, Any]) -> str:
    if "idea" in row:
        marks = [row["group"], *(["standard"] if row["standard"] else [])]
        marks.append(f"cost on digits: {cost_text(row['cost'])}")
        return f"{row['idea']} [{', '.join(marks)}] {row['source']}"
    return str(row["summary"])


def _summary(name: str) -> str:
    from runner.tasks import registry as known

    return known.YOURS.get(name) or known.find(name).summary


def _first_comment(file: Path) -> str:
    first = file.read_text().split("\n", 1)[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""
