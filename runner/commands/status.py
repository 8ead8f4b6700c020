"""status: how far a study is, what went wrong, and what to do about it."""

from __future__ import annotations

from typing import Any

from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS, at
from runner.text import counted, print_json


def status(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """How many runs of a study are done, running and missing; why some failed, and what helps."""
    from runner.execution.failed_runs import NAMED, at_hand, failures, told
    from runner.launch.going_on import stored_command
    from runner.records import checkpoints
    from runner.studies.experiments import open_study
    from runner.text import printable

    store, stored = open_study(results, name)
    held = store.states(stored.ids)
    states = list(map(held.get, stored.column("id")))
    stages = None
    if stored.tuned:
        from runner.studies.stages import stage_states

        # A tuned run at the fixed value is the fixed run: each is counted once.
        stages, to_choose = stage_states(stored, held)
        states = [*(held.get(id) for id in stored.ids), *[None] * to_choose]
    counts: dict[str, Any] = {"planned": len(states)}
    for state in ("ok", "diverged", "failed", "infra"):
        counts[state] = states.count(state)
    running = at_hand(store, stored)
    counts["running"] = len(running)
    counts["missing"] = states.count(None)
    kept = checkpoints.heads(store.root, set(stored.ids) - {run["id"] for run in running})
    left = [
        {"id": id, "epoch": told.get("epoch"), "epochs": told.get("epochs")}
        for id, told in kept.items()
        if held.get(id, "infra") == "infra"
    ]
    wrong = failures(store, held)
    if json:
        told_of = {"failures": wrong, "running_runs": running, "checkpoints": left}
        staged = {"stages": stages} if stages else {}
        print_json({"study": stored.name, **counts, **staged, **told_of})
        return
    print(f"{stored.name}: {counted(counts.pop('planned'), 'run')} planned")
    print(", ".join(f"{n:,} {state}" for state, n in counts.items() if n))
    for stage, part in (stages or {}).items():
        wait = part.get("not_chosen", 0)
        more = f", {wait:,} of them of arms yet to choose" if wait else ""
        print(f"  {stage}: {part['recorded']:,} of {part['runs']:,}{more}")
    for run in running:
        epoch = f"epoch {run['epoch']} is done" if run["epoch"] else "in its first epoch"
        print(printable(f"running: {run['label']}: {epoch} ({run['owner'] or 'owner unknown'})"))
    if left:
        places = [f"epoch {one['epoch']} of {one['epochs']}" for one in left[:NAMED]]
        more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
        runs = "1 run has" if len(left) == 1 else f"{len(left):,} runs have"
        print(printable(f"{runs} a checkpoint to go on from: {'; '.join(places)}{more}"))
    for line in told(wrong):
        print(line)
    again = stored_command(stored, results)
    if counts["failed"]:
        print(f"`tricks-bench retry {stored.name}{at(results)}` opens failed runs again")
    if counts["infra"] or counts["missing"] > counts["running"]:
        what = "what is missing" if not counts["infra"] else "what is missing and infra runs anew"
        print(f"`{again}` trains {what}")
