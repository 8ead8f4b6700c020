"""Published effects of the tricks that a study varies, to compare with measured effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from tricks.bag import registry


@dataclass(frozen=True)
class PublishedEffect:
    """One published effect of `trick`; see `tricks.published.Published`."""

    trick: str
    effect: float
    data: str
    source: str
    kind: str
    runs: int | None
    verified: bool


def published(factors: Mapping[str, tuple[str, ...]]) -> tuple[PublishedEffect, ...]:
    """The `published` effects of all tricks among the factors and their levels, trick by trick.

    Parameters are ignored: `mixup(alpha=0.4)` is mixup. A factor that is no trick has none.
    """
    names = [name for factor, levels in factors.items() for name in (factor, *levels)]
    known = registry()
    plain = dict.fromkeys(name.partition("(")[0].strip() for name in names)
    return tuple(
        PublishedEffect(name, **asdict(row))
        for name in plain
        if name in known
        for row in known[name].published
    )
