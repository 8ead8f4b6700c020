"""Find records that were made with an earlier source of a plug-in's trick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from runner.text import counted
from tricks.loading import plugin_sources
from tricks.trick import REGISTERED

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store


def changed(
    specs: Iterable[RunSpec], store: Store | None, states: Mapping[str, str]
) -> Iterator[str]:
    """A line for each plug-in's trick whose source differs from recorded runs of `specs`.

    A run's id depends on the trick's name, parameters and version, not on its code. states: by id.
    """
    if store is None or not any(kind.group() == "plugin" for kind in REGISTERED.values()):
        return
    others: Counter[str] = Counter()
    for spec in specs:
        sources = plugin_sources(spec.recipe) if states.get(spec.id, "infra") != "infra" else {}
        if sources:
            before = ((record := store.record(spec.id)) and record.plugins) or {}
            others.update(name for name, now in sources.items() if before.get(name, now) != now)
    for name, count in others.items():
        yield (
            f"{counted(count, 'recorded run')} had another source of the plug-in's trick {name}, "
            "and would be compared with new runs: raise `version` in the trick's class to train "
            "them again"
        )
