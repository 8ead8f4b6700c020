"""Predict a run's cost from recorded runs of the same kind, from ratios, or of the same size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from runner.records.json_values import JsonValue, canonical_text
from tricks.recipe import Recipe, to_json

if TYPE_CHECKING:
    import numpy as np

# Recipe fields that do not change how long a step takes. Only the kind of an optimizer counts;
# epochs multiply.
FREE = frozenset(
    {
        "epochs", "lr_scale", "decay", "corrected_decay", "lr_batch", "groups", "schedule",
        "warmup", "init", "normalisation", "smoothing", "crop_scale", "stream",
    }
)  # fmt: skip
# Fields that set the amount of work of a step. Seconds at one size do not predict another size, so
# these fields together are one part of a recipe, and only runs of the same size predict a run.
SIZE = ("model", "width", "stem", "resolution", "batch_size", "threads")
HOW = ("alike", "ratios", "size")

Kind = frozenset[
    tuple[str, str]
]  # the parts of a recipe that decide its cost: (field, value as text)


def kind(recipe: Mapping[str, JsonValue]) -> Kind:
    """The parts of a recipe (JSON values) that decide the seconds of an epoch."""
    whole = {**_defaults(), **recipe}  # older records lack newer fields
    parts = [("size", canonical_text([whole[field] for field in SIZE]))]
    for field, value in whole.items():
        if field in FREE or field in SIZE:
            continue
        if field == "optimizer" and isinstance(value, Mapping):
            value = value.get("name")
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item not in (None, False):
                parts.append((field, canonical_text(item)))
    return frozenset(parts)


@cache
def _defaults() -> Mapping[str, JsonValue]:
    return to_json(Recipe())


class Costs:
    """Seconds of an epoch by kind of recipe. seen: kinds of recorded runs with their seconds."""

    def __init__(self, seen: Iterable[tuple[Kind, float]]) -> None:
        found: dict[Kind, list[float]] = {}
        for kind, seconds in seen:
            found.setdefault(kind, []).append(seconds)
        self.mean = {kind: sum(times) / len(times) for kind, times in found.items()}
        self._known = frozenset().union(*self.mean)

    def seconds(self, recipe: Recipe) -> tuple[float | None, str]:
        """Seconds of a whole run, and the key of HOW they were found; (None, "") if unknown.

        alike: from runs of the same kind. ratios: the product of the ratios of all parts, fitted to
        the log seconds of all kinds. size: the mean of runs of the same size.
        """
        mine, epochs = kind(to_json(recipe)), recipe.epochs
        if mine in self.mean:
            return epochs * self.mean[mine], "alike"
        size = {part for part in mine if part[0] == "size"}
        like = [seconds for other, seconds in self.mean.items() if size <= other]
        if not like:
            return None, ""
        if mine <= self._known and self._told(mine):
            return epochs * self._by_ratios(mine), "ratios"
        return epochs * sum(like) / len(like), "size"

    def _by_ratios(self, wanted: Kind) -> float:
        import numpy as np

        return float(np.exp(self._row(wanted) @ self._fit))

    def _told(self, wanted: Kind) -> bool:
        """Whether the recorded kinds determine the ratios of `wanted`.

        They do not if two of its parts always occurred together, such as a trick that was tried at
        only one other size.
        """
        import numpy as np

        row = self._row(wanted)
        return bool(np.allclose(row @ self._span, row, atol=1e-6))

    @cached_property
    def _span(self) -> np.ndarray:
        import numpy as np

        return np.linalg.pinv(self._rows) @ self._rows

    @cached_property
    def _parts(self) -> list[tuple[str, str]]:
        return sorted(self._known)

    def _row(self, of: Kind) -> np.ndarray:
        import numpy as np

        return np.array([1.0, *(part in of for part in self._parts)])

    @cached_property
    def _rows(self) -> np.ndarray:
        import numpy as np

        return np.array([self._row(of) for of in self.mean])

    @cached_property
    def _fit(self) -> np.ndarray:
        """Log seconds of each part; parts that all recipes share need not be separated."""
        import numpy as np

        return np.linalg.lstsq(self._rows, np.log(list(self.mean.values())), rcond=None)[0]


def mean_seconds(costs: Costs, recipes: Sequence[Recipe]) -> tuple[float | None, str]:
    """Mean seconds of a run over `recipes` (at least one), and the weakest key of HOW used."""
    found = [costs.seconds(recipe) for recipe in recipes]
    times = [seconds for seconds, _ in found if seconds is not None]
    if len(times) < len(found):
        return None, ""
    return sum(times) / len(times), max((how for _, how in found), key=HOW.index)
