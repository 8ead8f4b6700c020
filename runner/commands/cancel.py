"""cancel: end the jobs of a study on a cluster."""

from __future__ import annotations

from runner.commands.json_output import print_json
from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS
from runner.text import counted


def cancel(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """Cancel the jobs of a study on a cluster. Running runs write a checkpoint if there is time.

    Recorded runs stay, and `run` continues from there.
    """
    from runner.commands.jobs_text import cancelled_json
    from runner.launch.cluster_jobs import cancel_jobs
    from runner.launch.resume_command import stored_command
    from runner.studies.experiments import open_study

    store, stored = open_study(results, name)
    done = cancel_jobs(store, stored.name)
    if json:
        print_json({"study": stored.name, "cancelled": [cancelled_json(one) for one in done]})
        return
    for one in done:
        print(f"cancelled job {one.job} ({counted(one.jobs, 'worker')})")
    if done:
        print(f"`{stored_command(stored, results)}` continues on this machine")
    else:
        print(f"no job of {stored.name} is waiting or running")
