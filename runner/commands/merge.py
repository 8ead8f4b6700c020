"""merge: join stores and exported studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Results
from runner.records.layout import RESULTS
from runner.text import counted, some_of

SHOWN = 5  # conflicts to print; --json has all


def merge(
    sources: Annotated[
        list[Path], typer.Argument(help="Stores (results folders) and exported studies.")
    ],
    results: Results = RESULTS,
    json: Json = False,
) -> None:
    """Copy the runs and studies of other stores, or of exports, into one store.

    A run that is in both counts once. Where the outcomes of a run differ, the store keeps its own
    outcome, and the run is named. Trained models are not copied.

    \b
    tricks-bench merge /share/results-a /share/results-b
    tricks-bench merge results/reference/digits-add-one   continue a committed study
    """
    from runner.records.merge import merge as join
    from runner.records.store import Store

    done = join(sources, Store(results))
    if json:
        print_json(
            {
                "added": done.added,
                "same": done.same,
                "conflicts": done.conflicts,
                "studies": done.studies,
                "refused": done.refused,
            }
        )
    else:
        there = f"{done.same:,} were there already"
        print(f"{counted(done.added, 'run')} added to {results}; {there}")
        if done.conflicts:
            print(
                f"{counted(len(done.conflicts), 'run')} with different outcomes, where {results} "
                f"keeps its own: {some_of(done.conflicts, SHOWN)}"
            )
        for line in done.refused:
            print(line)
        if done.studies:
            print(f"studies: {', '.join(dict.fromkeys(done.studies))}")
    if done.conflicts or done.refused:
        raise typer.Exit(1)
