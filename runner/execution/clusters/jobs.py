"""Jobs: the options of an engine whose workers are jobs of a cluster."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

PACKAGES = ("tricks-bench", "torch")  # whose versions a job compares with those of its submitter


@dataclass(frozen=True)
class Jobs:
    """Jobs of a cluster, which continue when the process that submitted them exits.

    study: the name by which they are shown and cancelled. count: number of jobs. parameters: of
    sbatch, by their long names. workers, per_gpu: as for `machine.at_a_time` on the node of each
    job. strict: refuse a node with other versions, instead of only reporting it. detach: do not
    wait for them.
    """

    study: str
    count: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    per_gpu: int | None = None
    strict: bool = False
    detach: bool = False


def versions() -> dict[str, str]:
    """Installed versions by package name, without importing the packages."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found
