"""Tables of a report, each with a caption: estimand, error term, df, runs."""

from __future__ import annotations

from typing import Any

from runner.reporting.markdown import digits, escape, interval, p_value, plain, ratio, signed, table
from runner.reporting.wording import confidence, dependence, df_text, is_placebo

Answer = dict[str, Any]


def caption(a: Answer) -> str:
    """What every number of the table is: estimand, error term, df, sigma, runs, adjustment."""
    what = "residual sd" if a["sigma_source"].startswith("residual") else "run-to-run sd"
    source = a["sigma_source"].removeprefix("residual: ")
    sigma = f"{what} {plain(a['sigma'])} {a['unit']} ({source})"
    if a["sigma"] is None:
        sigma = "run-to-run sd not estimable"
    df = f", {a['df']:.0f} df of sigma" if a["df"] is not None else ""
    own = df_text(a["df_of_intervals"])
    margin = f" Negligible: within ±{a['negligible']:g} {a['unit']}." if a["negligible"] else ""
    return (
        f"*Estimand: effect on {escape(a['metric'])} {escape(a['estimand'])}. "
        f"Error term: {escape(a['error_term'])}{own and '; '}{own}; {sigma}{df}; "
        f"{a['runs']['used']} runs. "
        f"{escape(a['adjustment'][:1].upper() + a['adjustment'][1:])}.{margin}*"
    )


def basis(a: Answer) -> str:
    """The one line under a plot or a side table: estimand, error term, df, runs."""
    own = df_text(a["df_of_intervals"])
    return (
        f"*Effect on {escape(a['metric'])} {escape(a['estimand'])}; error term: "
        f"{escape(a['error_term'])}{own and '; '}{own}; {a['runs']['used']} runs.*"
    )


def name(e: Answer) -> str:
    """A row's name; a placebo's says what it is."""
    return escape(e["label"]) + (" (changes nothing: true effect 0)" if is_placebo(e) else "")


def _seen(a: Answer) -> int:
    values = [e["effect"] for e in a["effects"]]
    return digits(values) if a["unit"] != "pp" else 2


def effects(a: Answer) -> str:
    """The table that fits the layout."""
    if a["layout"] == "factorial":
        return _grid(a)
    return _comparisons(a)


def _verdict(a: Answer, e: Answer) -> str:
    return escape(dependence(a, e)) if e["verdict"] == "depends" else str(e["verdict"])


def _comparisons(a: Answer) -> str:
    """add-one, leave-one-out, cumulative and pairs: one row an arm."""
    d = _seen(a)
    first = "step" if a["layout"] == "cumulative" else "trick"
    header = [first, f"{escape(a['metric'])} of the arm", f"effect ({a['unit']})"]
    header += [
        f"{confidence(a)} interval",
        "p, adjusted",
        "verdict",
        "runs (both arms)",
        "time ratio",
    ]
    rows = [_reference_row(a, d)]
    for e in a["effects"]:
        step = "+ " if a["layout"] == "cumulative" else ""
        rows.append(
            [
                step + name(e), plain(e["mean"], d), signed(e["effect"], d),
                interval(e["ci_low"], e["ci_high"], d), p_value(e["p_adjusted"]),
                _verdict(a, e), str(e["runs"]), ratio(e["time"]),
            ]
        )  # fmt: skip
    return table(header, [row for row in rows if row])


def _reference_row(a: Answer, d: int) -> list[str]:
    """The arm that the others are compared with."""
    label = "baseline"
    if a["estimand"].startswith("at the reference: "):
        label = a["estimand"].removeprefix("at the reference: ")
    arm = next((arm for arm in a["arms"] if arm["label"] == label), None)
    if arm is None:
        return []
    mean = plain(arm["mean"], d)
    return [f"*{escape(label)}*", mean, "", "", "", "", str(arm["ok"]), "1.00×"]


def beside_baseline(a: Answer) -> bool:
    """Whether some effect at the baseline is known beside its average over the grid."""
    known = any((e["at_baseline"] or {}).get("effect") is not None for e in a["effects"])
    return known and a["estimand"] == "averaged over the grid"


def _grid(a: Answer) -> str:
    """Factorials: the grid's average beside the effect at the baseline."""
    d = _seen(a)
    average = beside_baseline(a)
    header = ["trick", f"effect, {escape(a['estimand'])} ({a['unit']})"]
    header += [f"{confidence(a)} interval", "p, Holm", "verdict"]
    if average:
        header += ["effect at the baseline", f"{confidence(a)} interval", "from", "time ratio"]
    elsewhere = not average and any(e["at_baseline_from"] for e in a["effects"])
    header += ["from", "runs"] if elsewhere else []
    rows = []
    for e in a["effects"]:
        row = [
            name(e), signed(e["effect"], d), interval(e["ci_low"], e["ci_high"], d),
            p_value(e["p_adjusted"]), _verdict(a, e),
        ]  # fmt: skip
        if average:
            b = e["at_baseline"] or {"effect": None, "ci_low": None, "ci_high": None}
            row += [signed(b["effect"], d), interval(b["ci_low"], b["ci_high"], d)]
            row += [escape(e["at_baseline_from"] or "–"), ratio(e["time"])]
        row += [escape(e["at_baseline_from"] or "–"), str(e["runs"])] if elsewhere else []
        rows.append(row)
    return table(header, rows)


def simple_effects(a: Answer) -> str:
    """Effects of a factor without and with what it depends on; "" if none depends."""
    d = _seen(a)
    rows = []
    for e in a["effects"]:
        for on in e["depends_on"]:
            named_levels = on["label"] != on["factor"]
            off_name = on["reference"] if named_levels else "off"
            on_name = on["level"] if named_levels else "on"
            rows.append(
                [
                    escape(e["label"]), escape(on["factor"]),
                    f"{signed(on['off']['effect'], d)} ({escape(off_name)})",
                    interval(on["off"]["ci_low"], on["off"]["ci_high"], d),
                    f"{signed(on['on']['effect'], d)} ({escape(on_name)})",
                    interval(on["on"]["ci_low"], on["on"]["ci_high"], d),
                ]
            )  # fmt: skip
    if not rows:
        return ""
    header = ["effect of", "beside", "where it is off", f"{confidence(a)} interval"]
    return table([*header, "where it is on", header[-1]], rows, left=2)


def interactions(a: Answer, most: int = 12) -> str:
    """The largest interactions."""
    d = _seen(a)
    rows = [
        [
            escape(i["label"]), signed(i["effect"], d),
            interval(i["ci_low"], i["ci_high"], d), p_value(i["p_adjusted"]),
            escape(i["reason"]) if i["reason"] else "cannot be separated" if i["aliased"] else "",
        ]
        for i in a["interactions"][:most]
    ]  # fmt: skip
    header = ["interaction", f"size ({a['unit']})", f"{confidence(a)} interval"]
    return table([*header, "p, Benjamini-Hochberg", ""], rows)


def arms(a: Answer, rows: list[Answer], time: str) -> str:
    """Means of arms over their replicates."""
    share = a["unit"] == "pp"
    d = 2 if share else digits([arm["mean"] for arm in rows])
    header = [
        "arm",
        f"{escape(a['metric'])}",
        "sd",
        f"{confidence(a)} interval of the mean",
        "runs",
        "not ok",
    ]
    also = [name for name in ("val_accuracy", "accuracy") if name != a["metric"]]
    also = [name for name in also if any(arm.get(name) is not None for arm in rows)]
    timed = any(arm.get(time) is not None for arm in rows)
    header += [escape(name) for name in also] + ([escape(time)] if timed else [])
    lines = []
    for arm in rows:
        spread = "–"
        if arm["low"] is not None:
            spread = f"{plain(arm['low'], d)} to {plain(arm['high'], d)}"
        line = [
            escape(arm["label"]), plain(arm["mean"], d), plain(arm["sd"], d), spread,
            str(arm["ok"]), str(arm["runs"] - arm["ok"] or ""),
        ]  # fmt: skip
        line += [plain(arm.get(name), 2) for name in also]
        lines.append(line + ([plain(arm.get(time), 2)] if timed else []))
    return table(header, lines)


def divergence(a: Answer) -> str:
    """Diverged runs by level with Wilson's interval; one-at-a-time, only levels that did."""
    first = {e["factor"]: e["reference"] for e in a["effects"]}
    rows = [
        [
            escape(x["factor"]), escape(x["level"]), str(x["diverged"]), str(x["runs"]),
            f"{x['diverged'] / x['runs']:.1%}", f"{x['low']:.1%} to {x['high']:.1%}",
        ]
        for x in a["divergence"]
        if a["layout"] == "factorial" or (x["diverged"] and x["level"] != first.get(x["factor"]))
    ]  # fmt: skip
    if not rows:
        return ""
    header = ["factor", "level", "diverged", "runs", "share", f"{confidence(a)} interval (Wilson)"]
    return table(header, rows, left=2)


def worst_ranks(a: Answer) -> str:
    """P(a run with the trick beats one without), diverged runs ranked last; "" if none diverged."""
    rows = []
    for e in a["effects"]:
        line = e.get("worst_rank")
        if not line or line["probability"] is None:
            continue
        spread = "–" if line["low"] is None else f"{line['low']:.2f} to {line['high']:.2f}"
        why = escape(line["reason"]) if line["reason"] else ""
        row = [name(e), f"{line['probability']:.2f}", spread, p_value(line["p"])]
        rows.append([*row, " against ".join(str(n) for n in line["runs"]), why])
    if not rows:
        return ""
    header = ["trick", "P(better with it)", f"{confidence(a)} interval", "p of one half", "runs"]
    return table([*header, ""], rows)


def collapsed(a: Answer) -> str:
    """Effects with and without the collapsed arms; "" if nothing to compare."""
    without = a["collapsed"].get("without")
    if not without:
        return ""
    by = {(x["factor"], x["level"]): x["effect"] for x in without}
    rows = [
        [name(e), signed(e["effect"]), signed(by.get((e["factor"], e["level"])))]
        for e in a["effects"]
    ]
    return table(["trick", f"effect, all arms ({a['unit']})", "without collapsed arms"], rows)


def named(arms: list[Answer], a: Answer, most: int = 6) -> str:
    """The arms' labels, and what all of them have in common."""
    first = {e["factor"]: e["reference"] for e in a["effects"]}
    labels = ", ".join(escape(arm["label"]) for arm in arms[:most])
    rest = f" and {len(arms) - most} more" if len(arms) > most else ""
    shared = set.intersection(*(set(arm["levels"].items()) for arm in arms))
    common = [
        f"{escape(name)} {escape(level)}"
        for name, level in arms[0]["levels"].items()
        if (name, level) in shared and (level != first.get(name) or len(arms) > most)
    ]
    if len(arms) > 1 and common:
        rest += f". All {len(arms)} have {', '.join(common)}"
    return f"{labels}{rest}."
