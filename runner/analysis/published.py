"""Published effects of the tricks that a study varies, to stand beside the measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tricks.bag import registry


def published(factors: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """What the tricks among the factors and their levels state as `published`, trick by trick.

    Parameters do not count: `mixup(alpha=0.4)` is mixup. A factor that is no trick has none.
    """
    names = [name for factor, levels in factors.items() for name in (factor, *levels)]
    known = registry()
    plain = dict.fromkeys(name.partition("(")[0].strip() for name in names)
    return [
        {"trick": name, **asdict(row)}
        for name in plain
        if name in known
        for row in known[name].published
    ]
