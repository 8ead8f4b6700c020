"""Disks that fill up."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stub_training import specs

from injected.accounts import Figures, verifies
from injected.runners import Runner, end_all, in_session, until
from runner.records.store import Store


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int, files: int = 10_000) -> Iterator[Path | None]:
    """A separate file system of this size; None if mounting is not allowed."""
    place = folder / "small"
    place.mkdir()
    options = f"size={megabytes}m,nr_inodes={files}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield place if mounted else None
    finally:
        if mounted:
            end_all()
            subprocess.run(["umount", str(place)], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Fill the disk at `place` except `leave` bytes. Returns the file."""
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:  # closing writes, too
        disk = os.statvfs(place)
        for _ in range(max(0, disk.f_bavail * disk.f_frsize - leave) // 4096):
            file.write(bytes(4096))
            file.flush()
    return ballast


def disk_fills_up(folder: Path, kind: str) -> Figures | None:
    """The disk of the store fills up while a grid runs; None if no small disk can be made. kind:
    "room" (less is free than required), "full" (no byte is free), "files" (no more file names).
    """
    megabytes, files = (48, 10_000) if kind == "room" else (8, 700 if kind == "files" else 10_000)
    with small_disk(folder, megabytes, files) as place:
        if place is None:
            return None
        store = place / "results"
        options = {"runs": 24, "seconds": 0.2, "retries": 1}
        if kind != "room":
            options["reserve"] = 0
        runner = Runner(folder, store=store, **options)
        runner.wait_for("Finished", 3)
        if kind != "files":
            fill(place, leave=20 << 20 if kind == "room" else 0)
        else:
            with contextlib.suppress(OSError):
                for number in range(files):
                    (place / f"name.{number}").touch()
        summary, err = runner.end()
        assert summary is None, summary
        assert runner.process.returncode == 2
        assert err.count("\n") == 1, err
        assert "recorded runs are safe: make room there" in err
        assert until(lambda: not in_session(runner.process.pid))
        kept = Store(store, create=False).states()
        assert len(kept) >= 3
        assert set(kept.values()) <= {"ok", "infra"}
        for path in (*place.glob("name.*"), place / "ballast"):
            path.unlink(missing_ok=True)
        summary = Runner(folder, store=store, **options | {"seconds": 0}).summary()
        states = Store(store).states()
        assert states == {spec.id: "ok" for spec in specs(range(24))}
        assert summary["skipped"] == sum(state == "ok" for state in kept.values())
        torn = sum(not verifies(p, p.stem) for p in (store / "runs").glob("??/*.json"))
        assert torn == 0
    return {"records before": len(kept), "of them lost": 0, "torn": 0, "records in the end": 24}
