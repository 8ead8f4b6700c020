"""A Ray cluster: how this process connects to it, and how many runs it has room for."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from tricks.errors import BadInput

INSTALL = "--engine ray needs the package ray: pip install 'tricks-bench[ray]'"
NO_CLUSTER = (
    "begin one with `ray start --head`, join it from each other machine with "
    "`ray start --address HOST:6379`, and name it with --address HOST:6379"
)


@dataclass(frozen=True)
class Asked:
    """The options of the engine.

    address: of the cluster, as for `ray.init`. per_gpu: runs that share a GPU.
    """

    address: str = "auto"
    device: str = "auto"
    per_gpu: int = 1

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Asked:
        """From `Order.engine_options`. Raises BadInput for a GPU by its number."""
        address = options.get("address") or os.environ.get("RAY_ADDRESS") or cls.address
        device = options.get("device", cls.device)
        if device.startswith("cuda:"):
            raise BadInput(f"--device {device}: Ray chooses the GPU of each run; name cuda alone")
        return cls(address, device, int(options.get("per_gpu", cls.per_gpu)))


@dataclass(frozen=True)
class Cluster:
    """A cluster's resources. per_gpu: runs that share a GPU; 0: runs are on CPUs, one per core."""

    cpus: int
    gpus: int
    per_gpu: int

    @property
    def room(self) -> int:
        """The number of parallel runs."""
        return max(1, self.gpus * self.per_gpu if self.per_gpu else self.cpus)


def lacking() -> str:
    """Why Ray cannot be used from here; "" if it can."""
    return INSTALL if importlib.util.find_spec("ray") is None else ""


def ray() -> ModuleType:
    """The package ray. Raises BadInput if it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise BadInput(INSTALL) from error
    return ray


def lost(error: Exception) -> bool:
    """Whether Ray's error means a lost machine or process, rather than an error of the program."""
    package = ray()
    kinds = (package.exceptions.RayTaskError, package.exceptions.RuntimeEnvSetupError)
    return not isinstance(error, kinds) and "creation task" not in str(error)


def last_line(error: Exception) -> str:
    """The last line of Ray's error, which names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def connected(asked: Asked) -> Cluster:
    """Connect this process to the cluster, and keep the connection.

    Raises BadInput if the cluster cannot be reached, and if it lacks a requested GPU.
    """
    package = ray()
    if not package.is_initialized():
        try:
            package.init(address=asked.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            said = next((line for line in str(error).splitlines() if line.strip()), "")
            where = "is running here" if asked.address == "auto" else f"answers at {asked.address}"
            raise BadInput(f"no Ray cluster {where} ({said.strip()}): {NO_CLUSTER}") from error
    found = package.cluster_resources()
    cpus, gpus = int(found.get("CPU", 0)), int(found.get("GPU", 0))
    if asked.device == "cuda" and not gpus:
        raise BadInput("--device cuda: no machine of the Ray cluster has a GPU")
    on_gpu = asked.device != "cpu" and gpus > 0
    return Cluster(cpus, gpus, asked.per_gpu if on_gpu else 0)
