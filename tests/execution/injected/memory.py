"""Memory that runs out, for Python, for torch, and for the kernel."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stub_training import specs

from injected.accounts import Figures
from injected.runners import Runner, end_all, until
from runner.records.record_schema import Error
from runner.records.spec import RunSpec
from runner.records.store import Store


@contextlib.contextmanager
def memory_group(megabytes: int) -> Iterator[Path | None]:
    """A control group with this much memory, below this process's own; None if impossible."""
    found = None
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        root = Path("/sys/fs/cgroup")
        if "memory" in controllers.split(","):
            found = (root / "memory" / path.lstrip("/"), "memory.limit_in_bytes")
        elif number == "0" and not controllers and found is None:
            found = (root / path.lstrip("/"), "memory.max")
    if found is None:
        yield None
        return
    group = found[0] / f"tricks-bench.{os.getpid()}.{threading.get_ident()}"
    try:
        group.mkdir()
        (group / found[1]).write_text(str(megabytes << 20))
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        end_all()
        until(lambda: not (group / "cgroup.procs").read_text().strip())
        group.rmdir()


def killed_by_the_kernel(folder: Path) -> Figures | None:
    """A training takes all memory of its control group; None without a control group."""
    with memory_group(400) as group:
        if group is None:
            return None

        def join() -> None:
            (group / "cgroup.procs").write_text("0")

        runner = Runner(folder, before=join, seeds="90015,0,1,2", workers=1, retries=1)
        summary = runner.summary()
        assert (summary["ok"], summary["infra"]) == (3, 1), summary
        error = starved(folder, 90015)
        assert error.type == "OutOfMemory", error
    return {"killed by the kernel": 2, "other runs lost": 0}


def starved(folder: Path, seed: int) -> Error:
    """The error of a run without enough memory; checks that its recipe is the requested one."""
    spec = specs([seed])[0]
    record = Store(folder / "results").record(spec.id)
    assert record is not None
    assert record.state == "infra"
    assert RunSpec.of_record(record).id == spec.id, "the batch size was changed in silence"
    assert record.error is not None
    return record.error


def no_memory(folder: Path, times: int) -> Figures:
    """Address space runs out for Python and for torch; and the kernel kills a process."""
    found: Counter[str] = Counter()
    for number in range(times):
        place = folder / str(number)
        place.mkdir()
        summary = Runner(place, seeds="90013,90014,0,1", retries=1).summary()
        assert (summary["ok"], summary["infra"], summary["failed"]) == (2, 2, 0), summary
        for seed in (90013, 90014):
            starved(place, seed)
        found.update({"refused by RLIMIT_AS": 4, "batch sizes changed": 0})
        place = folder / f"{number}.group"
        place.mkdir()
        found.update(killed_by_the_kernel(place) or {"killed by the kernel": 0})
    return dict(found)
