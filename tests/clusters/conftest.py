"""A real SLURM, one for each process of tests; and the engine `ray` without a cluster."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import slurm

from runner.execution.engines import ray_node, ray_workers
from runner.execution.engines import slurm as engine
from runner.execution.work import Room

HERE = Path(__file__).parent
PATHS = (HERE, HERE.parent / "execution", HERE.parents[1])  # where jobs find what they import
sys.path.append(str(PATHS[1]))


@pytest.fixture(scope="session")
def found() -> Iterator[dict[str, str]]:
    lacks = slurm.lacking()
    if lacks and not os.environ.get("CI"):
        pytest.skip(lacks)
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,
        slurm.cluster(Path(folder)) as environment,
    ):
        yield environment


@pytest.fixture
def cluster(
    found: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, str]:
    """The environment of an idle cluster; this process is one of its users."""
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, found[name])
    before = os.environ.get("PYTHONPATH")
    every = [*map(str, PATHS), *([before] if before else [])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(every))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "ASK", 2.0)
    monkeypatch.setattr(engine, "LOOK", 0.5)
    monkeypatch.chdir(tmp_path)
    slurm.wait_idle(found)
    return found


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The engine asks no cluster about nodes, and scratch folders belong to the test."""
    monkeypatch.setattr(ray_node.Node, "_room", lambda self: Room("cpu", 1, 1))
    monkeypatch.setattr(ray_workers, "TICK", 0.1)
    monkeypatch.setattr(ray_node, "WAIT", 0.1)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
