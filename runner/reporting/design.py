"""The section of the design: what it could tell as planned, and what it can as it came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from runner.reporting.markdown import details, escape, plain, table
from runner.reporting.wording import df_text

Answer = dict[str, Any]
# What `runner.planning.realised.study_design` gives: `planned` (None, with a `reason`) and `run`,
# each with runs, arms, d_efficiency, clear, sets (texts); `planned` also errors (σ) and df.
Design = Mapping[str, Any]
SETS = 12


def section(a: Answer, found: Design | None) -> list[str]:
    """Blocks of markdown; none if nobody looked at the design."""
    if found is None:
        return []
    planned, run = found["planned"], found["run"]
    blocks = ["## Design"]
    if planned is None:
        blocks.append(f"The design as planned cannot be shown: {escape(found['reason'])}.")
    rows = [
        [what, *([cells[0]] if planned else []), cells[1]]
        for what, *cells in _rows(a, planned or {}, run)
    ]
    blocks.append(table(["", *(["as planned"] if planned else []), "as run"], rows))
    blocks.append(_line(a, planned))
    blocks += [escape(note) for note in found.get("notes") or ()]
    return [*blocks, *_sets(planned, run)]


def _rows(a: Answer, planned: Mapping[str, Any], run: Mapping[str, Any]) -> list[list[str]]:
    errors = [e["se"] for e in a["effects"] if e["se"] is not None]
    foreseen = planned.get("errors") or []
    sigma = a["sigma"]
    own = (df_text(a["df_of_intervals"]) or "none").removeprefix("intervals with ")
    rows = [
        ["runs", f"{planned.get('runs', 0):,}", f"{run['runs']:,}"],
        ["different arms", f"{planned.get('arms', 0):,}", f"{run['arms']:,}"],
        ["standard error in σ: middle (largest) effect", _span(foreseen), _in(errors, sigma)],
        [
            f"the same in {a['unit']}, at σ = {plain(sigma)}",
            _span([x * sigma for x in foreseen] if sigma else []),
            _span(errors),
        ],
        ["error df of an effect", (df_text(planned.get("df")) or "none").removeprefix(
            "intervals with "), own],
        ["D-efficiency", plain(planned.get("d_efficiency")), plain(run["d_efficiency"])],
    ]  # fmt: skip
    if run["clear"] is not None or planned.get("clear") is not None:
        rows.append(["main effects clear of two-factor interactions", _clear(planned), _clear(run)])
        sets = [_count(side.get("sets")) for side in (planned, run)]
        rows.append(["sets of terms that cannot be told apart", *sets])
    return rows


def _span(values: Sequence[float]) -> str:
    if not values:
        return "–"
    text, worst = f"{median(values):.2f}", f"{max(values):.2f}"
    return text if text == worst else f"{text} ({worst})"


def _in(errors: Sequence[float], sigma: float | None) -> str:
    return _span([x / sigma for x in errors]) if sigma else "–"


def _clear(side: Mapping[str, Any]) -> str:
    value = side.get("clear")
    return "–" if value is None else "yes" if value else "**no**"


def _count(sets: Sequence[str] | None) -> str:
    return "–" if sets is None else str(len(sets))


def _line(a: Answer, planned: Mapping[str, Any] | None) -> str:
    text = f"*Effects {escape(a['estimand'])}; as run: {escape(a['error_term'])}"
    if planned:
        text += f"; as planned: equal noise in all arms, {escape(planned['error_term'])}"
    return text + ". D-efficiency is of the main effects: 1 for a balanced orthogonal array.*"


def _sets(planned: Mapping[str, Any] | None, run: Mapping[str, Any]) -> list[str]:
    before = (planned or {}).get("sets") or []
    now = run["sets"] or []
    if planned and sorted(before) == sorted(now):
        return [details("Terms that these runs cannot tell apart", _listed(now))]
    blocks = [details("Terms that the design as planned cannot tell apart", _listed(before))]
    return [*blocks, details("Terms that the runs left cannot tell apart", _listed(now))]


def _listed(sets: Sequence[str]) -> list[str]:
    if not sets:
        return []
    lines = [f"- {escape(text)}" for text in sets[:SETS]]
    lines += [f"- and {len(sets) - SETS} more sets"] if len(sets) > SETS else []
    return ["\n".join(lines)]
