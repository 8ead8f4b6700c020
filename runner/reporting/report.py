"""write_report: report.md with its plots as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.reporting import facts, tables
from runner.reporting.findings import findings
from runner.reporting.markdown import escape
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

FEW_ARMS = 40
Answer = dict[str, Any]


def write_report(
    experiment: Any,
    curves: pd.DataFrame,
    asked: Mapping[str, Any],
    records: list[dict[str, Any]],
    out: Path,
    metric: str = "accuracy",
    negligible: float | None = None,
    planned: int | None = None,
) -> Path:
    """Write `out`/report.md and its plots; returns the path of report.md.

    experiment: an `Experiment`. curves: one row an epoch of a run (id, epoch, val_accuracy, lr).
    asked: what the study asked for. records: what its runs left behind.
    planned: the number of runs in the study's own list; by default what is recorded.
    Raises BadInput, before anything is written, if there is nothing to report.
    """
    a: Answer = experiment.analyze(metric, negligible=negligible).to_json()
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        figures = _plots(experiment, curves, records, a, out)
        text = _text(planned, asked, records, a, figures)
        (out / "report.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write the report to {out}: {error.strerror or error}") from error
    return out / "report.md"


def _time(a: Answer) -> str:
    names = ("cpu_seconds", "train_seconds")
    return next((n for n in names if any(n in arm for arm in a["arms"])), "train_seconds")


def _plots(
    experiment: Any,
    curves: pd.DataFrame,
    records: list[dict[str, Any]],
    a: Answer,
    out: Path,
) -> dict[str, str]:
    """Draw what the data allow. Returns plot -> file name of its PNG."""
    import matplotlib

    from runner.reporting.plots import (
        accuracy_time,
        forest,
        heatmap,
        learning,
        rates,
        seeds,
        waterfall,
    )
    from runner.reporting.plots.style import RC, save

    runs, factors = experiment.runs, experiment.factors
    with matplotlib.rc_context(RC):
        drawn = {
            "effects": forest.forest(a),
            "waterfall": waterfall.waterfall(a) if a["layout"] == "cumulative" else None,
            "seeds": seeds.seeds(a, runs, factors),
            "interactions": heatmap.heatmap(a),
            "accuracy-time": accuracy_time.accuracy_time(a, _time(a)),
            "learning-curves": learning.learning(a, runs, curves, factors),
            "learning-rates": rates.learning_rates(a, runs, curves, records),
        }
        return {name: save(fig, out, name) for name, fig in drawn.items() if fig is not None}


def _text(
    planned: int | None,
    asked: Mapping[str, Any],
    records: list[dict[str, Any]],
    a: Answer,
    figures: dict[str, str],
) -> str:
    name = asked.get("name") or "study"
    states = {k: v for k, v in a["runs"].items() if k in facts.STATES}
    total = max(planned or 0, sum(states.values()))
    blocks = [f"# {escape(name)}", _lead(total, a, states), "## Findings"]
    blocks.append("\n".join(f"- {line}" for line in [*findings(a), *_warnings(a)]))
    blocks += ["## What was run", facts.what_was_run(asked, records, states, len(a["arms"]), total)]
    blocks += _effects(a, figures)
    blocks += _interactions(a, figures)
    blocks += _arms(a, figures)
    blocks += _trouble(a, records)
    blocks += _cost(a, records, figures)
    blocks += _curves(figures)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lead(total: int, a: Answer, states: Mapping[str, int]) -> str:
    """One line on the size of it, and a loud one if it is not whole."""
    done = sum(states.values())
    line = f"{a['runs']['used']} runs in {len(a['arms'])} arms, metric {escape(a['metric'])}."
    if done < total:
        line += (
            f"\n\n> **Partial:** {total - done} of {total} planned runs are missing. Everything "
            "below is about the runs that are there; run the study again to complete it."
        )
    lost = {k: v for k, v in states.items() if k in ("failed", "infra") and v}
    if lost:
        said = ", ".join(f"{v} {k}" for k, v in lost.items())
        line += f"\n\n> **Errors:** {said} (listed below); `tricks-bench retry` runs them again."
    return line


def _warnings(a: Answer) -> list[str]:
    notes = [escape(note) for note in a["notes"]]
    if a["collapsed"].get("arms"):
        notes.append(
            f"{len(a['collapsed']['arms'])} of {len(a['arms'])} arms collapsed: their mean "
            "accuracy is within 5 pp of chance. They stay in all means; see below what they do."
        )
    return notes


def _image(figures: dict[str, str], name: str, alt: str) -> str:
    if name not in figures:
        return ""
    svg = figures[name].replace(".png", ".svg")
    return f"![{escape(alt)}]({figures[name]})\n\n([SVG]({svg}))"


def _effects(a: Answer, figures: dict[str, str]) -> list[str]:
    blocks = ["## Effects", tables.effects(a), tables.caption(a)]
    if a["layout"] == "factorial" and a["estimand"] == "averaged over the grid":
        blocks.append(
            "*The effect at the baseline (all other factors at their reference) comes from: "
            "“the two arms”, the baseline's runs against those of the arm with this change alone "
            "(Welch); “model”, the model with two-factor interactions; “model, narrowed”, the same "
            "fitted to the runs in which the factors that interact with this one are at their "
            "reference; – where the runs cannot tell. Its interval is of each effect alone.*"
        )
    if any(e["time"] for e in a["effects"]):
        time = next(e["time"] for e in a["effects"] if e["time"])
        blocks.append(f"*Time ratio: {time['column']} against the reference, {time['what']}.*")
    blocks.append(_image(figures, "effects", f"effects {a['estimand']} with 95 % intervals"))
    blocks.append(_image(figures, "waterfall", "what each step adds"))
    simple = tables.simple_effects(a)
    if simple:
        blocks += [
            "### Effects that depend on another factor",
            "An effect *depends* where an interaction is at least half of it and itself "
            "distinguishable from zero. Simple effects, averaged over the factors not named:",
            simple,
        ]
    return blocks


def _interactions(a: Answer, figures: dict[str, str]) -> list[str]:
    if not a["interactions"]:
        return []
    total = len(a["interactions"])
    shown = f"the 12 largest of {total}" if total > 12 else f"all {total}"
    return [
        "## Interactions",
        f"How much the effect of one factor changes when the other is switched ({shown}). "
        "A sum is an alias set: these runs see only the sum, never one member of it.",
        tables.interactions(a),
        f"*Error term: {escape(a['error_term'])}; intervals of each alone; p by "
        "Benjamini-Hochberg over all interactions: a screening, exploratory.*",
        _image(figures, "interactions", "interactions of all pairs of factors"),
    ]


def _arms(a: Answer, figures: dict[str, str]) -> list[str]:
    time = _time(a)
    note = (
        "*Means over the replicates of an arm; 95 % t-intervals of each arm alone, not "
        "simultaneous, not of differences. “Not ok” counts diverged and failed runs.*"
    )
    blocks = ["## Arms"]
    if len(a["arms"]) <= FEW_ARMS:
        blocks += [tables.arms(a, a["arms"], time), note]
    else:
        by = "val_accuracy" if any(arm.get("val_accuracy") for arm in a["arms"]) else "mean"
        ranked = sorted(
            (arm for arm in a["arms"] if arm.get(by) is not None), key=lambda arm: -arm[by]
        )
        if by == "mean" and not a["larger_is_better"]:
            ranked.reverse()
        blocks += [f"Ten best by {escape(by if by != 'mean' else a['metric'])}:"]
        blocks += [tables.arms(a, ranked[:10], time), "Ten worst:"]
        lost = [arm for arm in a["arms"] if not arm["ok"]]
        blocks += [tables.arms(a, [*lost, *ranked[::-1]][:10], time), note]
        blocks.append(
            "*The best of many arms is lucky as well as good: expect it to do worse when it is "
            "run again on fresh seeds.*"
        )
    blocks.append(_image(figures, "seeds", "every run as a point"))
    return blocks


def _trouble(a: Answer, records: list[dict[str, Any]]) -> list[str]:
    """Diverged and collapsed arms, and errors."""
    blocks = ["## Diverged and collapsed"]
    if a["divergence"]:
        arms = [arm for arm in a["arms"] if arm["diverged"]]
        blocks += [
            f"Effects are of {escape(a['metric'])} in the runs that succeeded: a trick that makes "
            "runs diverge shows here, not in the means.",
            tables.divergence(a),
            f"Arms with diverged runs: {tables.named(arms, a)}",
        ]
    else:
        blocks.append("No run diverged.")
    collapsed = a["collapsed"]
    if collapsed["arms"] is None:
        blocks.append("Collapsed arms: not known, since the runs do not say what chance is.")
    elif not collapsed["arms"]:
        blocks.append("No arm collapsed (mean accuracy within 5 pp of chance).")
    else:
        gone = set(collapsed["arms"])
        arms = [arm for arm in a["arms"] if arm["label"] in gone]
        blocks.append(
            "Collapsed (mean accuracy within 5 pp of chance), kept in all means: "
            f"{tables.named(arms, a)}"
        )
        blocks.append(tables.collapsed(a))
        if collapsed.get("without"):
            blocks.append(
                "*Without them the grid is no longer balanced and the second column answers "
                "another question (the effect where training works); it shows their weight.*"
            )
    errors = facts.failures(records)
    return [*blocks, *(["### Errors", errors] if errors else [])]


def _cost(a: Answer, records: list[dict[str, Any]], figures: dict[str, str]) -> list[str]:
    text = facts.cost(records)
    image = _image(figures, "accuracy-time", f"{a['metric']} against training time")
    memory = facts.footprint(records)
    return ["## Cost", text, memory, image] if text or image else []


def _curves(figures: dict[str, str]) -> list[str]:
    learning = _image(figures, "learning-curves", "validation accuracy by epoch")
    rates = _image(figures, "learning-rates", "learning rate by epoch")
    return ["## Training", learning, rates] if learning or rates else []
