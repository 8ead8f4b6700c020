"""Run: one run of any kind, as claims, engines and records see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from runner.records.json_values import JsonValue

SEED = ", seed "  # stands before the seed in a label


@dataclass(frozen=True)
class Run:
    """A run that can be carried out and recorded.

    label: for messages. payload: JSON values that a worker needs and the record keeps. epochs:
    their number; None if unknown.
    """

    id: str
    seed: int
    label: str
    payload: Mapping[str, JsonValue]
    epochs: int | None = None


class Spec(Protocol):
    """The specification of a run of any kind: enough to plan it, and to find it in a store.

    tricks: names of the levels that differ from the baseline, for messages.
    """

    @property
    def id(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def tricks(self) -> tuple[str, ...]: ...
    def run(self) -> Run:
        """The run as engines and records see it."""
        ...


def label(levels: Iterable[str], seed: int | None) -> str:
    """A run's name in messages: the levels that differ from the baseline, and its seed."""
    return f"{' + '.join(map(str, levels)) or 'baseline'}{SEED}{seed}"


def arm(label: str) -> str:
    """The part of a label that all runs of an arm have in common.

    >>> arm("mixup + cosine, seed 3")
    'mixup + cosine'
    """
    return label.rpartition(SEED)[0]
