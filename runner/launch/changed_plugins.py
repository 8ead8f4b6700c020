"""Records of a plug-in's trick that were made with another source of it than there is now."""

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
    """A line for each trick of a plug-in with which recorded runs of `specs` do not agree.

    A run's id holds the trick's name, parameters and version, not its code. states: by id.
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
            f"{counted(count, 'recorded run')} had another source of the plug-in's trick {name} "
            "than it has now, and would be compared with new ones: a higher `version` in its "
            "class trains them again"
        )
