"""status: a study's progress, its failures, and the next command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from runner.commands.json_output import print_json
from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS, results_option
from runner.text import counted, printable, some_of

if TYPE_CHECKING:
    from runner.studies.progress import StudyProgress


def status(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """Show how many runs of a study are done, running and missing, why some failed, and jobs."""
    from runner.commands.jobs_text import jobs_json, jobs_lines
    from runner.launch.cluster_jobs import study_jobs
    from runner.launch.resume_command import stored_command
    from runner.studies.experiments import open_study
    from runner.studies.progress import progress

    store, stored = open_study(results, name)
    found = progress(store, stored)
    jobs = study_jobs(store, stored.name)
    counts = {**found.states, "running": len(found.running), "missing": found.missing}
    if json:
        print_json(
            {
                "study": stored.name,
                "planned": found.planned,
                **counts,
                **({"stages": found.stages} if found.stages else {}),
                "failures": [asdict(run) for run in found.failures],
                "running_runs": [asdict(run) for run in found.running],
                "checkpoints": [asdict(kept) for kept in found.checkpoints],
                "jobs": [jobs_json(one) for one in jobs],
            }
        )
        return
    print(f"{stored.name}: {counted(found.planned, 'run')} planned")
    print(", ".join(f"{n:,} {state}" for state, n in counts.items() if n))
    for line in (*_lines(found), *jobs_lines(jobs)):
        print(line)
    if counts["failed"]:
        retry = f"tricks-bench retry {stored.name}{results_option(results)}"
        print(f"`{retry}` lets `run` train failed runs again")
    if counts["infra"] or counts["missing"] > counts["running"]:
        what = (
            "the missing runs"
            if not counts["infra"]
            else "the missing runs, and the infra runs again"
        )
        print(f"`{stored_command(stored, results)}` trains {what}")


def _lines(found: StudyProgress) -> Iterator[str]:
    from runner.execution.failed_runs import NAMED, failure_lines

    for stage, part in (found.stages or {}).items():
        wait = part.get("not_chosen", 0)
        more = f", {wait:,} of them wait for the stage before" if wait else ""
        yield f"  {stage}: {part['recorded']:,} of {part['runs']:,}{more}"
    for run in found.running:
        epoch = f"epoch {run.epoch} is done" if run.epoch else "in its first epoch"
        yield printable(f"running: {run.label}: {epoch} ({run.owner or 'owner unknown'})")
    left = found.checkpoints
    if left:
        places = some_of([f"epoch {kept.epoch} of {kept.epochs}" for kept in left], NAMED, "; ")
        runs = "1 run has" if len(left) == 1 else f"{len(left):,} runs have"
        yield printable(f"{runs} a checkpoint to continue from: {places}")
    yield from failure_lines(found.failures)
