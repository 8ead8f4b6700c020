"""retry: let `run` train failed runs again."""

from __future__ import annotations

from runner.commands.json_output import print_json
from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS
from runner.text import counted


def retry(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """Set failed runs aside. The next `run` trains them again."""
    from runner.execution.reopening import reopen
    from runner.launch.resume_command import stored_command
    from runner.studies.experiments import open_study

    store, stored = open_study(results, name)
    done = reopen(store, stored.ids)
    if json:
        print_json({"study": stored.name, "opened": done.opened, "held": done.held})
        return
    if done.held:
        print(f"left alone: {counted(done.held, 'failed run')} that another process works on")
    if not done.opened and not done.held:
        print(f"no failed runs in {stored.name}")
    if done.opened:
        again = stored_command(stored, results)
        words = ("is", "it") if done.opened == 1 else ("are", "them")
        print(f"{counted(done.opened, 'run')} {words[0]} open again: `{again}` trains {words[1]}")
