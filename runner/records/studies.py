"""Studies in the store: their requests, and their runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from runner.records.rows import Cell, column
from runner.records.store import Store
from runner.records.study_files import (
    RUNS,
    check_once,
    is_study,
    read_pair,
    saved,
    write_pair,
    write_runs,
)
from runner.records.study_toml import StoredEpochs, StudyToml
from tricks.errors import BadInput, unknown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
LOCK = ".lock"  # in a study's folder
NAME_RULE = "letters, digits and . _ + - (100 at most, the first a letter or digit)"


@dataclass(frozen=True)
class StoredStudy:
    """A study in the store.

    asked: see `Study.as_stored`. runs: one flat dict per planned run: id, seed, and a level's name
    for each factor; in a study with stages (see `StudyToml.stages`) also its stage, and its value
    of the field with one value per arm.
    """

    name: str
    asked: StudyToml
    runs: Sequence[dict[str, Cell]]

    @property
    def factors(self) -> list[str]:
        """Names of the factors, in the requested order."""
        return [factor.name for factor in self.asked.factors]

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Names of each factor's levels, the reference first."""
        return {factor.name: factor.levels for factor in self.asked.factors}

    @property
    def columns(self) -> list[str]:
        """The columns of the list of runs."""
        return ["id", "seed", *self.asked.staging, *self.factors]

    def column(self, name: str) -> Sequence[str]:
        """One of `columns`, except the seed: faster than reading the dicts of the runs."""
        return cast("Sequence[str]", column(self.runs, name))

    @property
    def seeds(self) -> Sequence[int]:
        """The seed of each run."""
        return cast("Sequence[int]", column(self.runs, "seed"))

    def of_stage(self, stage: str) -> StoredStudy:
        """The study with the runs of one stage only."""
        runs = [run for run in self.runs if run.get("stage") == stage]
        return StoredStudy(self.name, self.asked, runs)

    @property
    def ids(self) -> list[str]:
        """Run ids, each once, in planned order."""
        return list(dict.fromkeys(self.column("id")))


def is_name(name: str) -> bool:
    """Whether `name` is a valid name of a study: see NAME_RULE."""
    return _NAME.fullmatch(name) is not None


def save_study(
    store: Store,
    name: str,
    asked: StudyToml,
    rows: Iterable[Mapping[str, Cell]],
) -> StoredStudy:
    """Save a request and its planned runs under `name`. Returns the whole study.

    rows: dicts with id, seed and one level name per factor. A study with this name, the same task
    and the same settings is extended: a run with the same levels and seed replaces the old run, and
    other runs stay. A factor that only one of the two has is at its reference in the other. Raises
    BadInput for an invalid name, or a full disk.
    """
    folder = _folder(store, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write the study {folder}: {error.strerror or error}") from error
    new = [_flat(row) for row in rows]
    with _locked(folder):
        merged, runs = asked, new
        if is_study(folder):
            old = load_study(store, name)
            if (old.asked.task, old.asked.settings) == (asked.task, asked.settings):
                merged, runs = _merge(old, merged, new)
        columns = StoredStudy(name, merged, []).columns
        runs = [{key: run[key] for key in columns} for run in runs]
        check_once({key: [run[key] for run in runs] for key in columns}, folder / RUNS, "write")
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        try:
            write_pair(folder, now, merged.to_mapping(), write_runs(runs, columns))
        except OSError as error:
            raise BadInput(
                f"cannot write the study {folder}: {error.strerror or error}; recorded runs are "
                "safe: make room there, then run the same command again"
            ) from error
    return StoredStudy(name, merged, runs)


def load_study(store: Store, name: str | None = None) -> StoredStudy:
    """The study called `name`, or the study saved last. Raises BadInput if there is none."""
    names = study_names(store)
    if name is None:
        if not names:
            raise BadInput(f"no study in {store.root}: run `tricks-bench run` first")
        name = names[-1]
    folder = _folder(store, name)
    if not is_study(folder):
        raise unknown("study", name, names) if names else BadInput(f"no study in {store.root}")
    try:
        return StoredStudy(name, *read_pair(folder))
    except BadInput as error:
        if isinstance(error.__cause__, OSError):
            raise
        raise BadInput(
            f"{error}; `tricks-bench doctor {store.root} --repair` sets the study aside, and the "
            "study's command plans it again with the recorded runs"
        ) from error


def known_study(store: Store | None, name: str) -> StoredStudy | None:
    """The study called `name`; None if there is no such study, or no store. Raises BadInput."""
    known = store is not None and name in study_names(store)
    return load_study(store, name) if store is not None and known else None


def study_names(store: Store) -> list[str]:
    """Names of all studies; the study saved last is at the end."""
    times = {}
    for folder in (store.root / "studies").glob("*"):
        if is_name(folder.name) and is_study(folder):
            with contextlib.suppress(BadInput):  # reading it by name reports its fault
                times[folder.name] = saved(folder)
    return sorted(times, key=lambda name: (times[name], name))


def _merge(
    old: StoredStudy, asked: StudyToml, new: list[dict[str, Cell]]
) -> tuple[StudyToml, list[dict[str, Cell]]]:
    factors = {factor.name: factor for factor in asked.factors}
    for factor in old.asked.factors:
        held = factors.get(factor.name, factor)
        both = tuple(dict.fromkeys([*held.levels, *factor.levels]))
        factors[factor.name] = replace(held, levels=both)
    runs: dict[tuple[Cell | None, ...], dict[str, Cell]] = {}
    arms = set()
    first = {name: factor.levels[0] for name, factor in factors.items()}
    epochs = _chosen_epochs(old.asked, asked, first)
    asked = replace(asked, equal_epochs=tuple(epochs.values()) or None)
    for run in _staged(old.runs, asked, new, first):
        levels = {name: run.get(name) or first[name] for name in factors}
        stage = {name: run[name] for name in asked.staging}
        # In a tuned study, a run with another value is another run.
        kind = tuple(stage.values()) if run.get("stage") == "tuning" else (run.get("stage"),)
        arm = tuple(map(str, levels.values()))
        if run.get("stage") == "equal-time":
            chosen = epochs.get(arm)
            if chosen is None or str(chosen.epochs) != run["epochs"]:
                continue
        arms.add(arm)
        line = {"id": run["id"], "seed": run["seed"], **stage, **levels}
        runs[(*levels.values(), run["seed"], *kind)] = line
    merged = replace(asked, factors=tuple(factors.values()))
    seeds = (asked.seeds, old.asked.seeds)
    if None not in (*seeds, asked.arms, old.asked.arms):
        most = max(n for n in seeds if n is not None)
        control = _control_seeds(old.asked.control_seeds, asked.control_seeds)
        if control != "auto" and not (isinstance(control, int) and control >= most):
            control = None
        merged = replace(merged, seeds=most, arms=len(arms), control_seeds=control)
    return merged, list(runs.values())


def _chosen_epochs(
    old: StudyToml, new: StudyToml, first: Mapping[str, str]
) -> dict[tuple[str, ...], StoredEpochs]:
    """Levels of an arm -> its epochs: an earlier choice stays. first: as for `_staged`."""
    found: dict[tuple[str, ...], StoredEpochs] = {}
    for chosen in (*(old.equal_epochs or ()), *(new.equal_epochs or ())):
        found.setdefault(tuple({**first, **chosen.levels}.values()), chosen)
    return found


def _staged(
    old: Sequence[dict[str, Cell]],
    asked: StudyToml,
    new: list[dict[str, Cell]],
    first: Mapping[str, str],
) -> Iterator[dict[str, Cell]]:
    """The runs of both, old runs first, without tuned runs of arms that have chosen another value.

    If the study was not tuned before, its runs are the runs at the fixed value. first: the
    reference of each factor.
    """
    field = asked.staged
    if field is None:
        yield from (*old, *new)
        return

    def choice(run: Mapping[str, Cell]) -> tuple[Cell, ...]:
        return (run[field], *(run.get(name) or level for name, level in first.items()))

    fixed = next((run[field] for run in new if run["stage"] == "fixed"), "")
    chosen = {choice(run) for run in new if run["stage"] == "tuned"}
    for run in old:
        run = {"stage": "fixed", field: fixed, **run}
        if run["stage"] != "tuned" or choice(run) in chosen:
            yield run
    yield from new


def _control_seeds(old: int | str | None, new: int | str | None) -> int | str | None:
    """The larger of the two; the newer if they cannot be compared."""
    if isinstance(old, int) and isinstance(new, int):
        return max(old, new)
    return old if new is None else new


def _folder(store: Store, name: str) -> Path:
    if not is_name(name):
        raise BadInput(f"{name[:80]!r} is not a valid name of a study: {NAME_RULE}")
    folder = store.root / "studies" / name
    if folder.is_symlink():
        raise BadInput(f"{folder} is a symbolic link, which a store must not have: remove it")
    return folder


def _flat(row: Mapping[str, Cell]) -> dict[str, Cell]:
    return {**{key: str(value) for key, value in row.items()}, "seed": int(row["seed"])}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock out other writers of this study, if the file system can. Raises BadInput."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # else a pipe blocks
    try:
        descriptor = os.open(folder / LOCK, flags, 0o644)
    except OSError as error:
        place = folder / LOCK
        odd = os.path.lexists(place) and (place.is_symlink() or not place.is_file())
        why = "it is no plain file: remove it" if odd else error.strerror or str(error)
        raise BadInput(f"cannot write the study {folder}: {place}: {why}") from error
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
