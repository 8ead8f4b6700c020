"""A Ray cluster on this machine: a head without CPUs, and nodes of one CPU each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

ROOT = Path(__file__).parents[2]
MEMORY = 80 << 20  # bytes of each node's object store; Ray asks for 75 MiB at least
IMPORTED = (ROOT, ROOT / "tests" / "execution", ROOT / "tests" / "clusters")  # by workers, too


@contextmanager
def nodes(count: int = 3) -> Iterator[Cluster]:
    """The cluster; its workers import the tests' own works."""
    held = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, IMPORTED))
    head = {"num_cpus": 0, "num_gpus": 0, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(count):
            add(cluster)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
        os.environ.pop("PYTHONPATH")
        if held is not None:
            os.environ["PYTHONPATH"] = held


def add(cluster: Cluster) -> None:
    """One more node."""
    cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=MEMORY)
