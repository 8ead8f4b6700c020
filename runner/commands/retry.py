"""retry: open failed runs again."""

from __future__ import annotations

from runner.commands.options import RESULTS, Json, Name, Results, print_json


def retry(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """Set failed runs aside, so that the next `run` trains them again."""
    from runner.commands.experiments import open_study
    from runner.records.store import Store

    store, study = open_study(results, name)
    states = store.states(study.ids)
    bad = [id for id, state in states.items() if state in ("failed", "infra")]
    if bad:
        store = Store(results)  # must be writable now
    opened = sum(store.remove(id) for id in bad)
    if json:
        print_json({"study": study.name, "opened": opened})
    elif not opened:
        print(f"no failed runs in {study.name}")
    else:
        print(f"{opened} runs are open again: `tricks-bench run --study {study.name}` trains them")
