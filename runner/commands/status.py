"""status: how far a study is."""

from __future__ import annotations

from typing import Any

from runner.commands.options import RESULTS, Json, Name, Results, at, print_json


def status(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """How many runs of a study are done, running and missing."""
    from runner.commands.experiments import open_study

    store, study = open_study(results, name)
    held = store.states(study.ids)
    states = [held.get(run["id"]) for run in study.runs]
    stages = None
    if study.tuned:
        from runner.commands.stages import stage_states

        # A tuned run at the fixed value is the fixed run: each is counted once.
        stages, to_choose = stage_states(study, held)
        states = [*(held.get(id) for id in study.ids), *[None] * to_choose]
    counts: dict[str, Any] = {"planned": len(states)}
    for state in ("ok", "diverged", "failed", "infra"):
        counts[state] = states.count(state)
    counts["running"] = len(store.claims.running() & set(study.ids))
    counts["missing"] = states.count(None)
    if json:
        print_json({"study": study.name, **counts, **({"stages": stages} if stages else {})})
        return
    print(f"{study.name}: {counts.pop('planned'):,} runs planned")
    print(", ".join(f"{n:,} {state}" for state, n in counts.items() if n))
    for stage, part in (stages or {}).items():
        wait = part.get("not_chosen", 0)
        more = f", {wait:,} of them of arms yet to choose" if wait else ""
        print(f"  {stage}: {part['recorded']:,} of {part['runs']:,}{more}")
    if counts["failed"] or counts["infra"]:
        print(f"`tricks-bench retry {study.name}{at(results)}` opens failed runs again")
    elif counts["missing"] > counts["running"]:
        again = f"tricks-bench run --study {study.name}{at(results)}"
        print(f"`{again}` trains what is missing")
