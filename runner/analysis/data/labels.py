"""Labels: the names of levels and arms in tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def level_label(factor: str, level: str, reference: str, levels: int = 2) -> str:
    """The name of a level in tables. levels: the number of the factor's levels.

    >>> level_label("mixup", "on", "off"), level_label("optimizer", "adamw", "sgd")
    ('mixup', 'optimizer=adamw')
    >>> level_label("crops", "1", "0"), level_label("crops", "1", "0", levels=3)
    ('crops', 'crops=1')
    """
    plain = levels <= 2 and (reference, level) in (("off", "on"), ("0", "1"))
    return factor if plain else f"{factor}={level}"


def level_names(factors: Mapping[str, tuple[str, ...]], arm: Iterable[int]) -> dict[str, str]:
    """Factor -> level name of an arm, given as level indices.

    >>> level_names({"mixup": ("off", "on"), "optimizer": ("sgd", "lars")}, (1, 0))
    {'mixup': 'on', 'optimizer': 'sgd'}
    """
    return {name: levels[i] for (name, levels), i in zip(factors.items(), arm, strict=True)}


def arm_label(levels: Mapping[str, str], factors: Mapping[str, tuple[str, ...]]) -> str:
    """The differences of an arm from the baseline, e.g. `mixup + optimizer=adamw`."""
    names = [
        level_label(name, level, factors[name][0], len(factors[name]))
        for name, level in levels.items()
        if level != factors[name][0]
    ]
    return " + ".join(names) or "baseline"
