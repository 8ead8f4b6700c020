"""Jobs: what an engine is asked for whose workers are jobs of a cluster."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

PACKAGES = ("tricks-bench", "torch")  # whose versions a job compares with those of its submitter


@dataclass(frozen=True)
class Jobs:
    """Jobs of a cluster, which go on when the process that submitted them leaves.

    study: the name under which they are told and cancelled. count: jobs. parameters: of sbatch, by
    their long names. workers, per_gpu: as for `machine.at_a_time` on the node of each job. strict:
    a node with other versions than here is refused, not only told. detach: nobody waits for them.
    """

    study: str
    count: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    per_gpu: int | None = None
    strict: bool = False
    detach: bool = False


def versions() -> dict[str, str]:
    """What is installed here, by name; nothing is imported for it."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found
