"""A study on a Ray cluster: the options of the engine `ray`."""

from __future__ import annotations

from dataclasses import replace

from runner.execution.engines.ray_cluster import Asked, connected
from runner.launch.options import Options
from tricks.errors import BadInput

RAY = "ray"


def on_ray(
    options: Options, address: str | None, workers: int | None, per_gpu: int | None
) -> Options:
    """`options` for the cluster at `address`; by default as many parallel runs as it has room for.

    Connects to the cluster. Raises BadInput if this fails.
    """
    if per_gpu is not None and per_gpu < 1:
        raise BadInput(f"--per-gpu must be at least 1, not {per_gpu}")
    given = {"address": address, "per_gpu": None if per_gpu is None else str(per_gpu)}
    asked = {name: value for name, value in given.items() if value is not None}
    cluster = connected(Asked.of({**asked, "device": options.device}))
    if per_gpu is not None and not cluster.per_gpu:
        raise BadInput(
            "--per-gpu: these runs are on CPUs, one per core; use --workers N for N parallel runs"
        )
    return replace(
        options,
        engine=RAY,
        engine_options=asked,
        workers=workers or cluster.room,
        nodes_on_gpu=cluster.per_gpu > 0,
    )
