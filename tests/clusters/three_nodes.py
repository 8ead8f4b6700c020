"""A Ray cluster on this machine: a head without CPUs, and nodes of one CPU each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

ROOT = Path(__file__).parents[2]
MEMORY = 80 << 20  # bytes of each node's object store; Ray asks for 75 MiB at least
# A node that is killed is missed after 5 s; one that is only slow, on a busy machine, is not.
# Ray makes workers give way to everything else, which on a busy machine is for ever.
HEALTH = {
    "health_check_period_ms": 1000, "health_check_timeout_ms": 60_000, "worker_niceness": 0,
}  # fmt: skip
IMPORTED = (ROOT, ROOT / "tests" / "execution", ROOT / "tests" / "clusters")  # by workers, too
CACHES = Path(tempfile.gettempdir()) / f"caches-of-nodes-{os.getpid()}"


@contextmanager
def nodes(count: int = 3) -> Iterator[Cluster]:
    """The cluster; its workers import the tests' own works."""
    import ray  # not among what the fast tests install, which import this file
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, IMPORTED)))
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0, "num_gpus": 0, "object_store_memory": MEMORY,
                "include_dashboard": False, "_system_config": HEALTH,
            },
        )  # fmt: skip
        try:
            for _ in range(count):
                add(cluster)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()
            shutil.rmtree(CACHES, ignore_errors=True)


def add(cluster: Cluster) -> None:
    """One more node, with a cache of its own."""
    CACHES.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", tempfile.mkdtemp(dir=CACHES))
        cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=MEMORY)
