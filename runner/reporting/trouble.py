"""The section of runs that diverged, arms that collapsed, and errors."""

from __future__ import annotations

from typing import Any

from runner.reporting import facts, tables
from runner.reporting.markdown import details, escape

Answer = dict[str, Any]
RANKED = (
    "*Worst rank: every run counts, a diverged one as the worst. The probability that a run with "
    "the trick is better than one without it, ties counted half (Brunner and Munzel); 0.5: no "
    "difference; over all runs at either level, each trick alone.*"
)


def section(a: Answer, records: list[dict[str, Any]]) -> list[str]:
    """Blocks of markdown."""
    blocks = ["## Diverged and collapsed"]
    if a["divergence"]:
        arms = [arm for arm in a["arms"] if arm["diverged"]]
        blocks += [
            f"Effects are of {escape(a['metric'])} in the runs that succeeded: a trick that makes "
            "runs diverge shows here, not in the means.",
            _folded(tables.divergence(a), "Diverged runs by level"),
            f"Arms with diverged runs: {tables.named(arms, a)}",
        ]
        ranks = tables.worst_ranks(a)
        blocks.append(_folded(ranks, "Effects by worst rank", RANKED) if ranks else "")
    else:
        blocks.append("No run diverged.")
    blocks += _collapsed(a)
    errors = facts.failures(records)
    return [*blocks, *(["### Errors", errors] if errors else [])]


def _collapsed(a: Answer) -> list[str]:
    found = a["collapsed"]
    if found["arms"] is None:
        return ["Collapsed arms: not known, since the runs do not say what chance is."]
    if not found["arms"]:
        return ["No arm collapsed (mean accuracy within 5 pp of chance)."]
    gone = set(found["arms"])
    arms = [arm for arm in a["arms"] if arm["label"] in gone]
    blocks = [
        "Collapsed (mean accuracy within 5 pp of chance), kept in all means: "
        f"{tables.named(arms, a)}"
    ]
    if found.get("without"):
        note = (
            "*Without them the grid is no longer balanced and the second column answers another "
            "question (the effect where training works); it shows their weight.*"
        )
        blocks.append(details("Effects without the collapsed arms", [tables.collapsed(a), note]))
    return blocks


def _folded(text: str, summary: str, *more: str) -> str:
    """A long table behind its summary, a short one as it is."""
    if len(text.splitlines()) > 8:
        return details(summary, [text, *more])
    return "\n\n".join([text, *more])
