"""Runs of the study: settings, outcomes and costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runner.records.json_values import JsonValue
from runner.records.record import STATES
from runner.records.record_schema import Record
from runner.records.study_toml import StudyToml
from runner.reporting.contents import section
from runner.reporting.document import Item, Items, Paragraph, Section, Strong, present
from runner.reporting.footprint import footprint, spent
from runner.reporting.material import Material
from runner.text import some_of

PROTOCOL = (
    "metrics are measured after the last epoch, never at the best epoch. The test set is read "
    "once. Every choice (tuning, looks, the winner to run again, best arms listed) is made on "
    "validation. Probabilities of being the best describe the metric of this report."
)

OF_SCRIPT = (
    "the script decides on which images and after which epoch each metric is measured (see "
    "above). Every choice (tuning, looks, the winner to run again, best arms listed) is made on "
    "the validation metric, if there is one. Hours and memory are measured from outside."
)


@section(place=150)
def what_was_run(m: Material) -> Section:
    """A list of facts, the hours, and the footprint."""
    hours = spent(m.costs)
    return Section(
        "What was run",
        present(facts(m), Paragraph(hours) if hours else None, *footprint(m.records, m.arms)),
    )


def facts(m: Material) -> Items:
    """Task, data, grid, factors, seeds, recipe, device, versions, states."""
    protocol = PROTOCOL
    if m.asked.script is not None:
        protocol = OF_SCRIPT
    told = [*_asked(m), *_recorded(m.records), *_counts(m), ("Protocol", protocol)]
    return Items(tuple(Item((Strong(f"{what}:"), f" {text}")) for what, text in told if text))


def _asked(m: Material) -> Iterable[tuple[str, str]]:
    asked = m.asked
    yield "Task", asked.task
    yield from _script(asked)
    if asked.script is None:
        yield "Data", _pairs(m.records[0].data or {}) if m.records else ""
    yield "Grid", _grid(m)
    yield "Factors", _factors(asked)
    for factor, levels in (asked.levels or {}).items():
        nothing = "the baseline" if asked.script is None else "nothing"
        named = (f"{level}: {text or nothing}" for level, text in levels.items())
        yield f"Levels of {factor}", "; ".join(named)
    yield "Order", ", ".join(asked.order or ())
    yield "Changed settings", _pairs(asked.settings or {})
    for field, values in (asked.tune or {}).items():
        text = f"{field} of each arm over {', '.join(values)} with {asked.tune_seeds} seeds each"
        yield "Tuned", f"{text}, by validation accuracy"
    if asked.equal:
        yield "Equal time", "each arm also has as many epochs as fit into the baseline's time"


def _script(asked: StudyToml) -> Iterable[tuple[str, str]]:
    """The command, and where its metrics come from."""
    script = asked.script
    if script is None:
        return
    yield "Command", script.run
    yield "Files of the script", script.digest and f"digest {script.digest}"
    for name, metric in script.found.items():
        what = metric.key or metric.column or metric.pattern
        place = f"{what} in {metric.file or 'the output'}"
        column = {"test": "accuracy", "validation": "val_accuracy"}[metric.role]
        first = name.removeprefix("val_") == script.accuracy(metric.role)
        also = f", {column} in tables" if first and name != column else ""
        epoch = "last epoch" if metric.take == "last" else f"best epoch ({metric.take})"
        yield f"Metric {name}", f"{metric.role}, {epoch}: {place}{also}"


def _recorded(records: Iterable[Record]) -> Iterable[tuple[str, str]]:
    plain = next((r for r in records if not r.tricks), None)
    yield "Baseline recipe", _recipe(plain.recipe.values) if plain and plain.recipe else ""
    yield "Training steps", _distinct(r.steps for r in records)
    warmup = _distinct(r.warmup_steps or None for r in records)
    yield "Warmup steps, where there is warmup", warmup
    yield "Test images", _distinct(r.test_images for r in records)
    yield "Parameters of the network", _distinct(r.parameters for r in records)
    yield "Device", _distinct(r.device for r in records)
    yield "Runs at a time on a device", _distinct(r.at_a_time for r in records)
    yield "Versions", _versions(records)
    yield "Code revision", _distinct(r.code_revision for r in records)


def _counts(m: Material) -> Iterable[tuple[str, str]]:
    if 0 < len(m.records) < m.done:
        yield (
            "Records read",
            f"{len(m.records):,} of {m.done:,}: the first of each arm and others spread evenly. "
            "This list, the footprint and the learning curves use only these records; effects, "
            "arms and hours use all runs",
        )
    counted = [f"{m.states.get(state, 0)} {state}" for state in STATES if m.states.get(state)]
    missing = m.planned - m.done
    told = f"{m.planned} planned: {', '.join(counted) or 'none done'}, {missing} missing"
    yield "Runs", told


def _grid(m: Material) -> str:
    """The design and its size. Arms are counted from the runs: a fraction may repeat an arm."""
    asked, arms = m.asked, len(m.analysis.arms)
    parts = [asked.grid] if asked.grid else []
    so_far = "" if m.done == m.planned else " so far"
    parts += [f"{arms} arm{'' if arms == 1 else 's'}{so_far}", f"{m.planned} runs planned"]
    if asked.excluded:
        parts.append(f"{asked.excluded} impossible combinations excluded")
    return ", ".join(parts)


def _factors(asked: StudyToml) -> str:
    return ", ".join(
        f.name if f.levels == ("off", "on") else f"{f.name} ({', '.join(f.levels)})"
        for f in asked.factors
    )


def _pairs(values: Mapping[str, JsonValue]) -> str:
    texts = {key: str(value) for key, value in values.items()}
    return ", ".join(f"{k}={t[:12] + '…' if len(t) > 40 else t}" for k, t in texts.items())


def _recipe(recipe: Mapping[str, JsonValue]) -> str:
    """`field=value` of each field that is not null, false, zero, empty or at its default."""
    said = []
    for key, value in recipe.items():
        if value in (None, False, 0, [], "") or (key, value) == ("decay", -1):
            continue
        said.append(f"{key}={_trick(value)}")
    return ", ".join(said)


def _trick(value: JsonValue) -> str:
    if isinstance(value, Mapping) and "name" in value:
        rest = {k: v for k, v in value.items() if k not in ("name", "version")}
        return f"{value['name']}({', '.join(f'{k}={_trick(v)}' for k, v in rest.items())})"
    if isinstance(value, list):
        return "[" + ", ".join(_trick(v) for v in value) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _distinct(values: Iterable[int | str | None]) -> str:
    names = list(dict.fromkeys(str(value) for value in values if value is not None))
    return some_of(names, 5 if len(names) > 6 else 6)


def _versions(records: Iterable[Record]) -> str:
    found = dict.fromkeys(
        ", ".join(f"{k} {v}" for k, v in r.versions.items()) for r in records if r.versions
    )
    return "; ".join(found)
