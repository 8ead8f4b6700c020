"""retry: open failed runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.commands.options import Json, Name, Results
from runner.records.layout import RESULTS
from runner.text import counted, print_json
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.store import Store

BAD = ("failed", "infra")


def retry(name: Name = None, results: Results = RESULTS, json: Json = False) -> None:
    """Set failed runs aside, so that the next `run` trains them again."""
    from runner.launch.going_on import stored_command
    from runner.records.store import Store
    from runner.studies.experiments import open_study

    store, stored = open_study(results, name)
    states = store.states(stored.ids)
    bad = [id for id, state in states.items() if state in BAD]
    if bad:
        store = Store(results)  # must be writable now
    done = [_reopen(store, id) for id in bad]
    opened, held = done.count(True), done.count(None)
    if json:
        print_json({"study": stored.name, "opened": opened, "held": held})
        return
    if held:
        print(f"left alone: {counted(held, 'failed run')} that another runner is at")
    if not opened and not held:
        print(f"no failed runs in {stored.name}")
    if opened:
        again = stored_command(stored, results)
        words = ("is", "it") if opened == 1 else ("are", "them")
        print(f"{counted(opened, 'run')} {words[0]} open again: `{again}` trains {words[1]}")


def _reopen(store: Store, id: str) -> bool | None:
    """Set the record of `id` aside if it still is a failed one; None if another runner has it.

    Raises BadInput if the store cannot be written to.
    """
    try:
        claim = store.claims.take(id)
    except OSError as error:
        raise BadInput(f"cannot write to the store {store.root}: {error.strerror}") from error
    if claim is None:
        return None
    try:
        return store.state(id) in BAD and store.remove(id, states=BAD)
    finally:
        claim.release()
