"""The section of a tuned study: both stages side by side, edges and doubts said, and its plots."""

from __future__ import annotations

import copy
import re

import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.analysis.to_json import to_json
from runner.reporting.markdown import inline, written
from runner.reporting.plots.style import save as style_save
from runner.reporting.plots.tuned import fixed_tuned, tuning
from runner.reporting.report import write_report
from runner.reporting.sections.fixed_and_tuned import chosen_by, compared, counted, remarks

BAG = synthetic.factors(("zero-gamma", "mixup", "evonorm"), optimizer=False)
VALUES = ["0.5", "1", "2"]


def arm(label, levels, value="1", edge=None, tied=(), diverged=0, missing=0):
    """The tuning of one arm, as `comparison` gives it."""
    values = [
        {"value": v, "val_accuracy": None if missing else 90.0 + (v == value),
         "scores": [] if missing else [89.0 + (v == value), 91.0 + (v == value)],
         "diverged": diverged, "missing": missing}
        for v in VALUES
    ]  # fmt: skip
    return {"arm": label, "levels": levels, "value": value, "edge": edge, "tied": list(tied),
            "values": values}  # fmt: skip


def tuned(grid="add-one"):
    """A tuned study with known effects; zero-gamma is better by 3 where it is tuned."""
    experiment, curves, asked, records = synthetic.study(grid, 4, BAG, diverge=False)
    fixed = to_json(analyze(experiment))
    later = copy.deepcopy(fixed)
    for e in later["effects"]:
        if e["factor"] == "zero-gamma" and e["effect"] is not None:
            e.update({key: e[key] + 3 for key in ("effect", "ci_low", "ci_high")}, verdict="helps")
    off = {name: levels[0] for name, levels in BAG.items()}
    arms = [arm("baseline", off)]
    arms += [arm(name, {**off, name: "on"}, "2", "highest") for name in BAG]
    t = {
        "field": "lr_scale", "values": VALUES, "seeds": 2, "fixed": "1", "stage": "tuned",
        "arms": arms, "at": {"fixed": fixed, "tuned": later},
        "cost": {"tuning": {"runs": 24, "core_hours": 1.5, "hours": 2.0},
                 "study": {"runs": 28, "core_hours": 1.75, "hours": 2.5}, "shared": 4},
    }  # fmt: skip
    return t, (experiment, curves, asked, records)


def test_the_report_has_the_section_with_both_pictures(tmp_path, monkeypatch):
    def save(fig, out, name):
        """Others are not rendered: that is most of a report's time."""
        return style_save(fig, out, name) if "tun" in name else f"{name}.png"

    monkeypatch.setattr("runner.reporting.plots.style.save", save)
    t, study = tuned()
    text = write_report(synthetic.material(*study, tuning=t), tmp_path).read_text()
    assert text.index("## Effects") < text.index("## Fixed and tuned") < text.index("## Arms")
    for name in ("fixed-tuned", "tuning"):
        assert f"({name}.png)" in text
        assert (tmp_path / f"{name}.png").stat().st_size > 2000
        assert (tmp_path / f"{name}.svg").stat().st_size > 2000
    plain = write_report(synthetic.material(*study), tmp_path / "plain").read_text()
    assert "tuned" not in plain


def test_each_effect_stands_at_both_values_with_what_its_arm_chose():
    t, _ = tuned()
    table = written(compared(t).blocks[:1])
    fixed = {e["label"]: e["effect"] for e in t["at"]["fixed"]["effects"]}
    for label, effect in fixed.items():
        [line] = [line for line in table.splitlines() if line.startswith(f"| {label} |")]
        cells = [cell.strip().replace("−", "-") for cell in line.strip("|").split("|")]
        moved = effect + 3 * (label == "zero-gamma")
        assert float(cells[1]) == pytest.approx(effect, abs=0.006)
        assert float(cells[4]) == pytest.approx(moved, abs=0.006)
        assert cells[-1] == "2"
    assert re.search(r"\*baseline\*.*\| 1 \|", table)


def test_the_caption_says_that_choosing_is_part_of_it_and_what_it_cost():
    t, _ = tuned()
    text = written([compared(t)])
    assert "Choosing is part of the procedure" in text
    assert "its interval is over seeds given the values chosen" in text
    assert "Tuning took 24 runs, 1.50 core-hours" in text
    assert "28, 4 of them both fixed and tuned, 1.75 core-hours" in text


def test_edges_ties_divergence_and_waiting_arms_are_said():
    t, _ = tuned()
    said = " ".join(map(inline, remarks(t)))
    assert "In 3 of 4 arms the best value is at the edge of the range: widen it" in said
    assert "mixup (2)" in said
    assert "diverged" not in said
    off = t["arms"][0]["levels"]
    t["arms"][0] = arm("baseline", off, tied=["0.5"], diverged=1)
    t["arms"][1] = arm("zero-gamma", t["arms"][1]["levels"], None, missing=2)
    said = " ".join(map(inline, remarks(t)))
    assert "1 arms have several best values" in said
    assert "3 tuning runs diverged: each counts as an accuracy of chance" in said
    assert "1 arms have not chosen yet: 6 of their tuning runs are missing" in said
    assert "None" not in written([compared(t)])
    assert "not chosen yet" in written(compared(t).blocks[:1])


def test_a_verdict_that_tuning_changes_is_said():
    t, _ = tuned()
    for e in t["at"]["fixed"]["effects"]:
        e["verdict"] = "hurts" if e["factor"] == "zero-gamma" else e["verdict"]
    said = inline(remarks(t)[0])
    assert said.startswith("**zero-gamma**: hurts at lr\\_scale=1 for all, helps where each arm")


def test_without_tuned_runs_only_the_fixed_value_is_shown():
    t, _ = tuned()
    t["at"] = {**t["at"], "tuned": None, "tuned_reason": "no run is recorded"}
    text = written([compared(t)])
    assert "No effect at the tuned values yet: no run is recorded" in text
    assert fixed_tuned(t) is None
    t["at"] = {"fixed": None, "fixed_reason": "all diverged", "tuned": None}
    assert "No effect at the fixed value yet: all diverged" in written([compared(t)])


def test_in_a_factorial_the_choices_of_all_arms_are_counted():
    t, _ = tuned()
    on, off = {"a": "on"}, {"a": "off"}
    t["arms"] = [arm("x", on, "1"), arm("y", on, "2"), arm("z", on, "2"), arm("b", off, "0.5")]
    assert chosen_by(t, "a", "on") == "1 ×1, 2 ×2; without it 0.5"
    assert counted(t, [*t["arms"], arm("w", off, None)]).endswith("not chosen yet ×1")


@pytest.mark.parametrize("count", [1, 5, 60])
def test_a_few_arms_have_a_panel_each_and_many_share_one(count):
    t, _ = tuned()
    t["arms"] = [arm(f"arm {i}", {"a": "on"}, VALUES[i % 3], diverged=i % 2) for i in range(count)]
    shown = [ax for ax in tuning(t).axes if ax.axison]
    assert len(shown) == (count if count <= 24 else 1)


def test_a_zero_among_the_values_is_drawn():
    t, _ = tuned()
    t["values"] = ["0", "0.1", "0.2"]
    for held in t["arms"]:
        held["value"] = "0.1"
        for value, text in zip(held["values"], t["values"], strict=True):
            value["value"] = text
    assert tuning(t) is not None
