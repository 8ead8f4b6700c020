"""The runs of a submission that one of its workers tries, and their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from runner.execution.clusters.submission import id_of, run_of
from runner.execution.clusters.watched_runs import file_of, names_in
from runner.records.run import Run
from runner.records.store import Store

LISTING_HOLDS = 20.0  # seconds for which a listing of all records holds


def turned(lines: Sequence[bytes], number: int, workers: int) -> Sequence[bytes]:
    """The lines in an order that begins at a different place for each worker.

    Otherwise worker 1,000 would try the claims of 999 others before its first run.

    >>> b"".join(turned([b"a", b"b", b"c", b"d", b"e", b"f"], 1, 3))
    b'cdefab'
    """
    start = number * len(lines) // max(workers, 1)
    return [*lines[start:], *lines[:start]]


def unrecorded(
    lines: Sequence[bytes],
    store: Store,
    since: int,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Run]:
    """The runs in `lines` that have no record when their turn comes.

    since: nanoseconds, by the clock of the file system. An earlier record does not count: it is not
    valid, as the run was submitted again. A later record of another worker counts, also of a lost
    run, which otherwise each worker would try again. All names are listed now and then, since a
    question for each run would cost every worker as many calls as there are runs.
    """
    recorded: set[str] = set()
    before: dict[str, bool] = {}
    listed = float("-inf")

    def old(id: str) -> bool:
        if id not in before:
            found = file_of(store.path(id))
            if found is None:
                return True
            before[id] = found[1] <= since
        return before[id]

    for line in lines:
        id = id_of(line)
        if clock() - listed > LISTING_HOLDS:
            folders = names_in(store.root / "runs")
            recorded = {
                name.removesuffix(".json")
                for folder in folders
                for name in names_in(store.root / "runs" / folder)
                if name.endswith(".json")
            }
            listed = clock()
        if id not in recorded or old(id):
            yield run_of(line)
