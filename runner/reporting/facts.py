"""What was run and how, what became of it, and what it cost."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.reporting.markdown import escape, plain, signed, table

if TYPE_CHECKING:
    import pandas as pd

Record = Mapping[str, Any]
STATES = ("ok", "diverged", "failed", "infra")
FOOTPRINTS = 40  # rows
ERRORS = 10
SPENT = ("cpu_seconds", "train_seconds", "evaluate_seconds", "wait_seconds", "total_seconds")
WAIT = 0.05  # share of training spent waiting for data from which on a run is named


def what_was_run(
    asked: Mapping[str, Any],
    records: Sequence[Record],
    states: Mapping[str, int],
    arms: int,
    total: int,
) -> str:
    """A list of facts: task, data, grid, factors, seeds, recipe, device, versions, states.

    arms: those with a recorded run. total: planned runs.
    """
    lines = []

    def add(what: str, text: str) -> None:
        if text:
            lines.append(f"- **{what}:** {text}")

    add("Task", escape(asked.get("task", "")))
    add("Data", _pairs(records[0].get("data", {})) if records else "")
    add("Grid", _grid(asked, arms, sum(states.values()), total))
    add("Factors", _factors(asked))
    for factor, levels in (asked.get("levels") or {}).items():
        named = (f"{level}: {text or 'the baseline'}" for level, text in levels.items())
        add(f"Levels of {escape(factor)}", escape("; ".join(named)))
    add("Order", escape(", ".join(asked.get("order") or ())))
    add("Changed settings", _pairs(asked.get("settings") or {}))
    for field, values in (asked.get("tune") or {}).items():
        text = f"{field} of each arm over {', '.join(values)} with {asked['tune_seeds']} seeds each"
        add("Tuned", escape(f"{text}, by validation accuracy"))
    plain = next((r for r in records if not r.get("tricks")), None)
    add("Baseline recipe", _recipe(plain["recipe"]) if plain and plain.get("recipe") else "")
    add("Training steps", _distinct(records, "steps"))
    warmups = [r for r in records if r.get("warmup_steps")]
    add("Warmup steps, where there is warmup", _distinct(warmups, "warmup_steps"))
    add("Test images", _distinct(records, "test_images"))
    add("Parameters of the network", _distinct(records, "parameters"))
    add("Device", _distinct(records, "device"))
    add("Versions", _versions(records))
    add("Code revision", _distinct(records, "code_revision"))
    done = sum(states.values())
    if 0 < len(records) < done:
        add(
            "Records read",
            f"{len(records):,} of {done:,}, the first of each arm and others spread evenly: what "
            "this list, the footprint and the learning curves say is of these; effects, arms and "
            "hours are of all runs",
        )
    counted = [f"{states.get(state, 0)} {state}" for state in STATES if states.get(state)]
    missing = total - sum(states.values())
    add("Runs", f"{total} planned: {', '.join(counted) or 'none done'}, {missing} missing")
    lines.append(
        "- **Protocol:** metrics are those after the last epoch, never the best epoch's; the test "
        "set is read once, and every choice (tuning, looks, the winner to run again, best arms "
        "listed) is made on validation; probabilities of being the best describe the metric of "
        "this report."
    )
    return "\n".join(lines)


def _grid(asked: Mapping[str, Any], arms: int, done: int, total: int) -> str:
    """The design and its size; a fraction may ask for an arm twice, so arms are those seen."""
    parts = [escape(asked.get("grid", ""))] if asked.get("grid") else []
    so_far = "" if done == total else " so far"
    parts += [f"{arms} arm{'' if arms == 1 else 's'}{so_far}", f"{total} runs planned"]
    if asked.get("excluded"):
        parts.append(f"{asked['excluded']} impossible combinations excluded")
    return ", ".join(parts)


def _factors(asked: Mapping[str, Any]) -> str:
    factors = asked.get("factors") or []
    said = []
    for factor in factors:
        levels = list(factor["levels"])
        name = escape(factor["name"])
        said.append(name if levels == ["off", "on"] else f"{name} ({escape(', '.join(levels))})")
    return ", ".join(said)


def _pairs(values: Mapping[str, Any]) -> str:
    return escape(", ".join(f"{key}={_short(value)}" for key, value in values.items()))


def _short(value: Any) -> str:
    text = str(value)
    return text[:12] + "…" if len(text) > 40 else text


def _recipe(recipe: Mapping[str, Any]) -> str:
    """Fields that say something: not null, not false, not empty."""
    said = []
    for key, value in recipe.items():
        if value in (None, False, 0, [], "") or (key, value) == ("decay", -1):
            continue
        said.append(f"{key}={_trick(value)}")
    return escape(", ".join(said))


def _trick(value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        rest = {k: v for k, v in value.items() if k not in ("name", "version")}
        return f"{value['name']}({', '.join(f'{k}={_trick(v)}' for k, v in rest.items())})"
    if isinstance(value, list):
        return "[" + ", ".join(_trick(v) for v in value) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _distinct(records: Iterable[Record], key: str) -> str:
    found = dict.fromkeys(str(r[key]) for r in records if r.get(key) is not None)
    names = list(found)
    if len(names) > 6:
        return escape(f"{', '.join(names[:5])} and {len(names) - 5} more")
    return escape(", ".join(names))


def _versions(records: Iterable[Record]) -> str:
    found = dict.fromkeys(
        ", ".join(f"{k} {v}" for k, v in r["versions"].items())
        for r in records
        if r.get("versions")
    )
    return escape("; ".join(found))


def failures(records: Iterable[Record]) -> str:
    """A table of runs that ended in an error, at most ten; "" if there are none."""
    rows = [
        [escape(r.get("id", "")), escape(r["state"]), escape(" + ".join(r.get("tricks") or ["–"])),
         escape(str((r.get("error") or {}).get("message", ""))[:160])]
        for r in records
        if r.get("state") in ("failed", "infra")
    ]  # fmt: skip
    if not rows:
        return ""
    more = f"\n\n{len(rows) - ERRORS:,} more are not shown." if len(rows) > ERRORS else ""
    return table(["run", "state", "tricks", "error"], rows[:ERRORS], left=4) + more


def cost(runs: pd.DataFrame) -> str:
    """Core-hours and wall-clock hours, by what they were spent on; "" if no run says.

    runs: measured seconds in columns train_seconds, …; a run that stands twice counts once.
    """
    once = runs.drop_duplicates("id") if "id" in runs else runs
    names = [name for name in SPENT if name in once]
    counted = int(once[names].notna().any(axis=1).sum())
    if not counted:
        return ""
    spent = {name: float(once[name].sum()) if name in names else 0.0 for name in SPENT}
    return (
        f"{counted} runs took {_hours(spent['total_seconds'])} of run time in all (summed over "
        f"workers): {_hours(spent['train_seconds'])} training (of which "
        f"{_hours(spent['wait_seconds'])} waiting for data), {_hours(spent['evaluate_seconds'])} "
        f"evaluating. Training used {spent['cpu_seconds'] / 3600:.2f} core-hours of CPU."
        + _starved(once)
    )


def _starved(runs: pd.DataFrame) -> str:
    """A sentence on the runs whose training waited for data, longest first; "" without any."""
    if not {"id", "wait_seconds", "train_seconds"} <= set(runs):
        return ""
    share = runs["wait_seconds"] / runs["train_seconds"].where(runs["train_seconds"] > 0)
    worst = share[share > WAIT].sort_values(ascending=False)
    if worst.empty:
        return ""
    shown = (f"{escape(runs['id'][place])} {100 * worst[place]:.0f} %" for place in worst.index[:5])
    return (
        f" In {len(worst)} of the runs training waited for data for more than {100 * WAIT:.0f} % "
        f"of its time ({', '.join(shown)}{', …' if len(worst) > 5 else ''}): fewer workers leave "
        "more loader processes to each."
    )


def footprint(records: Sequence[Record]) -> str:
    """Parameters, memory by stage and generalisation gap, by model or by arm; "" if unknown."""
    told = [r for r in records if r.get("memory")]
    if not told:
        return ""
    networks = [(r.get("recipe") or {}).get("model") or "unknown" for r in told]
    models = dict.fromkeys(networks)
    by_model = len(models) > 1
    groups: dict[str, list[Record]] = {}
    for r, network in zip(told, networks, strict=True):
        name = network if by_model else " + ".join(r.get("tricks") or ["baseline"])
        groups.setdefault(name, []).append(r)
    stages = [("ram", stage) for stage in ("data", "model", "first_step", "peak")]
    if any("reserved" in (r["memory"].get("peak") or {}) for r in told):
        stages += [("allocated", "peak"), ("reserved", "peak")]
    names = {"data": "data loaded", "model": "model built", "first_step": "first step"}
    rows = []
    for name, own in list(groups.items())[:FOOTPRINTS]:
        cells = [escape(name), str(len(own)), f"{_median(own, 'parameters') or 0:,.0f}"]
        for kind, stage in stages:
            held = [r["memory"].get(stage, {}).get(kind) for r in own]
            cells.append(plain(_middle(held), 0))
        rows.append([*cells, signed(_median(own, "generalisation_gap"))])
    head = ["model" if by_model else "arm", "runs", "parameters"]
    head += [
        f"{'RAM' if kind == 'ram' else 'GPU ' + kind}, {names.get(stage, stage)}"
        for kind, stage in stages
    ]
    more = f" {len(groups) - FOOTPRINTS} more are not shown." if len(groups) > FOOTPRINTS else ""
    return (
        table([*head, "gap (pp)"], rows)
        + "\n\n*Medians over runs. Memory in MiB: RAM is resident in the run's process, torch and "
        "all, without loader processes. Gap: accuracy on clean training images (the probe) minus "
        f"on validation, at the last epoch.{more}*"
    )


def _median(records: Iterable[Record], key: str) -> float | None:
    return _middle([r.get(key) for r in records])


def _middle(values: Iterable[float | None]) -> float | None:
    held = [v for v in values if v is not None]
    return statistics.median(held) if held else None


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds / 60:.1f} min"
