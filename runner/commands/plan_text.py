"""The answer of `plan` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.text import aligned, counted, duration


def lines(answer: Mapping[str, Any], estimands: Mapping[str, str]) -> Iterator[str]:
    """What was asked, the table, the cheapest grid by estimand, and what it rests on."""
    goal, kind = answer["goal"], answer["adjustment"]
    yield from answer["notes"]
    if goal["kind"] == "effect":
        yield f"to see every effect of {goal['value']:g} pp with probability {goal['power']:g}"
    else:
        yield f"to know every effect to ±{goal['value']:g} pp (95 % intervals)"
    yield f"run-to-run sd {answer['sigma']:.3g} pp: {answer['sigma_source']}"
    rows = [("grid", "arms", *estimands.values())]
    able = [row for row in answer["grids"] if "arms" in row]
    for row in able:
        cells = [_cell(row[key][kind]) for key in estimands]
        rows.append((row["name"], f"{row['arms']:,}", *cells))
    yield from aligned(rows)
    yield from _remarks(answer["grids"], kind, estimands)
    for key, words in estimands.items():
        yield f"{words}: {_cheapest(answer, key, kind)}"
    over = {
        "family": "5 % for all effects of a grid at once (Šidák); --each: for each alone",
        "each": "5 % for each effect alone: of 10 tricks that do nothing, 40 % of such studies "
        "call one an effect",
    }
    yield f"level: {over[kind]}"
    if answer["seconds_reason"]:
        yield answer["seconds_reason"]


def _cell(need: Mapping[str, Any]) -> str:
    if need["runs"] is None:
        return "no"
    seeds = f"{counted(need['seeds'], 'seed')}"
    return f"{seeds}, {counted(need['runs'], 'run')}{_time(need)}"


def _time(need: Mapping[str, Any]) -> str:
    return "" if need["hours"] is None else f", {duration(need['hours'] * 3600)}"


def _remarks(
    rows: Sequence[Mapping[str, Any]], kind: str, estimands: Mapping[str, str]
) -> Iterator[str]:
    """Why a grid does not answer, one line for all grids of the same reason."""
    why: dict[str, list[str]] = {}
    for row in rows:
        if "arms" not in row:
            why.setdefault(f"not at all: {row['reason']}", []).append(row["name"])
            continue
        for key, words in estimands.items():
            if row[key][kind]["runs"] is None:
                why.setdefault(f"not {words}: {row[key][kind]['reason']}", []).append(row["name"])
        if row["left_out"]:
            text = f"without {', '.join(row['left_out'])} (all on means one level of each factor)"
            why.setdefault(text, []).append(row["name"])
    for reason, names in why.items():
        yield f"{', '.join(names)} {reason}"


def _cheapest(answer: Mapping[str, Any], key: str, kind: str) -> str:
    name = answer["cheapest"][key]
    if name is None:
        return "no grid answers for every effect: the lines above say why"
    row = next(row for row in answer["grids"] if row["name"] == name)
    need = row[key][kind]
    per = f"{counted(row['arms'], 'arm')} × {counted(need['seeds'], 'seed')}"
    size = f" --runs {answer['runs']}" if answer["runs"] and row["takes_runs"] else ""
    time = "" if need["hours"] is None else f", about {duration(need['hours'] * 3600)}"
    return (
        f"{name} is cheapest, {per} = {need['runs']:,} runs{time} "
        f"(--grid {name}{size} --seeds {need['seeds']})"
    )
