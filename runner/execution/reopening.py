"""Failed runs are opened again: their records are set aside, so that they are trained anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runner.records.store import Store
from tricks.errors import BadInput

BAD = ("failed", "infra")


@dataclass(frozen=True)
class Reopened:
    """opened: runs whose record was set aside. held: failed runs that another runner is at."""

    opened: int
    held: int


def reopen(store: Store, ids: Iterable[str]) -> Reopened:
    """Set the records of those of `ids` aside that failed.

    Raises BadInput if the store cannot be written to.
    """
    bad = [id for id, state in store.states(ids).items() if state in BAD]
    if bad:
        store = Store(store.root)  # must be writable now
    done = [_reopen(store, id) for id in bad]
    return Reopened(done.count(True), done.count(None))


def _reopen(store: Store, id: str) -> bool | None:
    """Set the record of `id` aside if it still is a failed one; None if another runner has it."""
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
