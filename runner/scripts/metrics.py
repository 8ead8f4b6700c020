"""The metrics of a run, from the files and the printed output of its script."""

from __future__ import annotations

import csv
import glob
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.records.json_values import JsonValue
from runner.records.script_toml import Script, ScriptMetric
from runner.text import printable, some_of
from tricks.errors import BadInput

SHOWN = 8  # files or columns that a message names
LINES = (".jsonl", ".ndjson")


def check(script: Script) -> None:
    """Raises BadInput for a metric that cannot be read."""
    if not script.found:
        raise BadInput(
            'the script has no metric: give --metric \'{file="{out}/result.json", key="top1"}\', '
            "or a table [script.metrics.NAME]"
        )
    if script.metric is not None and "accuracy" in script.metrics:
        raise BadInput(
            "script.metric is called accuracy, and so is one of script.metrics: rename one"
        )
    for name, metric in script.found.items():
        where = f"script.metrics.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            raise BadInput(f"{where}: a metric's name has lower-case letters, digits and _")
        ways = [way for way in ("key", "column", "pattern") if getattr(metric, way) is not None]
        if len(ways) != 1:
            raise BadInput(f"{where} needs one of key, column and pattern")
        if metric.file is None and ways != ["pattern"]:
            raise BadInput(f"{where}: {ways[0]} needs a file, such as file = '{{out}}/result.json'")
        if metric.pattern is not None:
            try:
                groups = re.compile(metric.pattern).groups
            except re.error as error:
                raise BadInput(
                    f"{where}: {metric.pattern!r} is not a regular expression: {error}"
                ) from error
            if groups != 1:
                raise BadInput(
                    f"{where}: {metric.pattern!r} needs one group around the number: (...)"
                )
        if not math.isfinite(metric.scale) or metric.scale == 0:
            raise BadInput(f"{where}: scale must be a number other than 0")
    for role in ("test", "validation"):
        if len(script.of(role)) < sum(m.role == role for m in script.found.values()):
            raise BadInput(
                f"script.metrics: two {role} metrics have the same name except val_: rename one"
            )


@dataclass
class Printed:
    """The matches of metrics' patterns in the output, line by line."""

    patterns: Mapping[str, re.Pattern[str]]
    values: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, script: Script) -> Printed:
        """For the metrics that are read from the output."""
        found = script.found.items()
        return cls({n: re.compile(m.pattern) for n, m in found if m.pattern and m.file is None})

    def take(self, line: str) -> None:
        """Search a line."""
        for name, pattern in self.patterns.items():
            self.values.setdefault(name, []).extend(m[1] for m in pattern.finditer(line))


def read(script: Script, out: Path, printed: Printed) -> dict[str, float]:
    """Each metric's value; NaN if the script wrote NaN.

    Raises BadInput for a missing metric, with the existing files or columns, and for a value that
    is no number.
    """
    found = {}
    for name, metric in script.found.items():
        where = f"script.metrics.{name}"
        if metric.file is None:
            texts: Sequence[JsonValue] = printed.values.get(name, [])
            if not texts:
                raise BadInput(f"{where}: nothing in the output matches {metric.pattern!r}")
        else:
            path = newest(metric.file, out)
            if path is None:
                held = sorted(
                    str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()
                )
                raise BadInput(
                    f"{where}: there is no file {metric.file}; in {{out}} are {_some(held)} ({out})"
                )
            texts = _in_file(metric, path, where)
        found[name] = _taken([_number(text, where) for text in texts], metric)
    return found


def _taken(values: Sequence[float], metric: ScriptMetric) -> float:
    """One of the values by `take`; NaN if this value is NaN, or for max and min if all are."""
    if metric.take == "last":
        return values[-1] * metric.scale
    known = [value for value in values if not math.isnan(value)]
    return (
        (max(known) if metric.take == "max" else min(known)) * metric.scale if known else math.nan
    )


def _number(text: JsonValue, where: str) -> float:
    try:
        if isinstance(text, bool) or not isinstance(text, (int, float, str)):
            raise ValueError
        return float(text)
    except ValueError:
        raise BadInput(f"{where}: {printable(str(text))[:40]!r} is no number") from None


def newest(pattern: str, out: Path) -> Path | None:
    """The file that matches the pattern; if several match, the file changed last."""
    whole = pattern.replace("{out}", glob.escape(str(out)))
    found = [path for path in map(Path, glob.glob(whole, recursive=True)) if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def _in_file(metric: ScriptMetric, path: Path, where: str) -> list[JsonValue]:
    """All values of the metric in the file, in order."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if metric.pattern is not None:
        found: list[JsonValue] = re.findall(metric.pattern, text, re.M)
        if not found:
            raise BadInput(f"{where}: nothing in {path.name} matches {metric.pattern!r}")
        return found
    name = metric.column if metric.column is not None else str(metric.key)
    found_rows = rows(path, text, where)
    if metric.column is not None:
        header = next(csv.reader(text.splitlines()[:1], skipinitialspace=True), [])
        if [cell.strip() for cell in header].count(name) > 1:
            raise BadInput(f"{where}: {path.name} has two columns called {name!r}: rename one")
    values = [row[name] for row in found_rows if row.get(name) not in (None, "")]
    if values:
        return values
    there = dict.fromkeys(key for row in rows(path, text, where) for key in row)
    what = "column" if metric.column is not None else "key"
    raise BadInput(
        f"{where}: {path.name} has no {what} {name!r} with a value; it has {_some([*there])}"
    )


def rows(path: Path, text: str, where: str) -> list[dict[str, JsonValue]]:
    """The rows of a CSV or of JSON lines, or the one object of a JSON file.

    Nested keys are joined by points. Raises BadInput for any other file, and for a CSV whose cells
    do not fit under its columns.
    """
    if path.suffix in (".json", *LINES):
        lines = text.splitlines() if path.suffix in LINES else [text]
        try:
            return [dict(_flat(json.loads(line))) for line in lines if line.strip()]
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{where}: {path.name} is not JSON: {error}") from error
    read = csv.DictReader(text.splitlines(), skipinitialspace=True)
    found: list[dict[str, JsonValue]] = []
    try:
        for row in read:
            if any(cell.strip() for cell in row.pop(None, ())):
                raise BadInput(
                    f"{where}: {path.name}, line {read.line_num}: more cells than columns: a "
                    "decimal comma, or another header?"
                )
            cells = row.items()
            found.append({k.strip(): cell.strip() for k, cell in cells if isinstance(cell, str)})
    except csv.Error as error:
        raise BadInput(f"{where}: {path.name}, line {read.line_num}: {error}") from error
    return found


def _flat(value: JsonValue, start: str = "") -> list[tuple[str, JsonValue]]:
    if isinstance(value, Mapping):
        parts = [(f"{start}{key}", held) for key, held in value.items()]
    elif isinstance(value, list):
        parts = [(f"{start}{place}", held) for place, held in enumerate(value)]
    else:
        return [(start.removesuffix("."), value)]
    return [pair for key, held in parts for pair in _flat(held, f"{key}.")]


def _some(names: Sequence[str]) -> str:
    return some_of(names, SHOWN) or "none"
