"""Set the records of failed runs aside, so that these runs are trained again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runner.records.record import FAILED
from runner.records.store import Store
from tricks.errors import BadInput


@dataclass(frozen=True)
class Reopened:
    """opened: runs whose record was set aside. held: failed runs that another process holds."""

    opened: int
    held: int


def reopen(store: Store, ids: Iterable[str]) -> Reopened:
    """Set the records of failed runs among `ids` aside.

    Raises BadInput if the store cannot be written to.
    """
    bad = [id for id, state in store.states(ids).items() if state in FAILED]
    if bad:
        store = Store(store.root)  # must be writable now
    done = [_reopen(store, id) for id in bad]
    return Reopened(done.count(True), done.count(None))


def _reopen(store: Store, id: str) -> bool | None:
    """Set a record aside if it still says failed; None if another process holds the run."""
    try:
        claim = store.claims.take(id)
    except OSError as error:
        raise BadInput(f"cannot write to the store {store.root}: {error.strerror}") from error
    if claim is None:
        return None
    try:
        return store.state(id) in FAILED and store.remove(id, states=FAILED)
    finally:
        claim.release()
