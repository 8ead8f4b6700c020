"""Compare the final content of a store with planned runs and started trainings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from stub_training import specs

from runner.records.record import Damaged, unseal
from runner.records.store import Store

Figures = dict[str, int]


def diary(folder: Path) -> list[tuple[str, int, int]]:
    """Every started training: id, process, time (ns)."""
    lines = (line.split() for line in (folder / "diary").read_text().splitlines())
    return [(id, int(pid), int(when)) for id, pid, when in lines]


def check_complete(folder: Path, runs: int) -> Counter[str]:
    """Every run has one record that verifies; returns how often each was trained."""
    sound(folder, runs)
    assert not list((folder / "results" / "quarantine").iterdir())
    return Counter(id for id, _, _ in diary(folder))


def sound(folder: Path, runs: int) -> Figures:
    """`accounted` for a grid of `runs` runs; checks that no run is lost, torn or duplicated."""
    figures = accounted(folder, {spec.id for spec in specs(range(runs))})
    assert figures["lost"] == figures["torn"] == figures["duplicated"] == 0, figures
    return figures


def accounted(folder: Path, planned: set[str]) -> Figures:
    """Counts for a store whose runs all ended ok. torn: files that do not verify, in place or in
    quarantine. duplicated: trainings started after their run had a record. repeated: trainings of
    runs that others had started.
    """
    store = Store(folder / "results")
    files = {path.stem: path for path in (store.root / "runs").glob("??/*.json")}
    torn = sum(not verifies(path, id) for id, path in files.items())
    torn += sum(
        not verifies(path, path.name.partition(".")[0])
        for path in (store.root / "quarantine").glob("*.json")
    )
    states = store.states()
    begun = diary(folder) if (folder / "diary").exists() else []
    times = Counter(id for id, _, _ in begun)
    again = [one for one in begun if times[one[0]] > 1]
    # Times of files lag behind the clock by some milliseconds.
    recorded = {id: path.stat().st_mtime_ns + 20_000_000 for id, path in files.items()}
    return {
        "records": len(states),
        "lost": sum(states.get(id) != "ok" for id in planned),
        "torn": torn + sum(path.stat().st_size == 0 for path in files.values()),
        "duplicated": sum(when > recorded.get(id, when) for id, _, when in again),
        "repeated": len(begun) - len(times),
    }


def verifies(path: Path, id: str) -> bool:
    try:
        unseal(path.read_bytes(), id)
    except (Damaged, ValueError, KeyError):
        return False
    return True
