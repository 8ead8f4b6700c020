"""What to do next: each advice has its command and its cost, and the commands can be run."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.analysis.power import MoreRuns
from runner.analysis.recommended import Recommended
from runner.cli import call
from runner.planning.next_steps import Situation, next_steps
from runner.records.study_toml import StoredFactor, from_mapping
from runner.reporting.markdown import inline
from runner.reporting.next_steps import advice, recipe_text
from runner.reporting.report import write_report

TRICKS = ("zero-gamma", "mixup", "lars", "evonorm")
BAG = synthetic.factors(("zero-gamma", "mixup", "evonorm"))
ASKED = from_mapping({
    "name": "s", "task": "digits", "grid": "add-one", "seeds": 5, "settings": {"epochs": "3"},
    "tricks": list(TRICKS), "factors": [
        {"name": "zero-gamma", "kind": "trick", "levels": ["off", "on"]},
        {"name": "mixup", "kind": "trick", "levels": ["off", "on"]},
        {"name": "evonorm", "kind": "trick", "levels": ["off", "on"]},
        {"name": "optimizer", "kind": "group", "levels": ["sgd", "lars", "adamw"]},
    ],
})  # fmt: skip
RECIPE = Recommended("zero-gamma", {}, "zero-gamma", 1, 5)


@pytest.fixture(scope="module")
def analysis():
    return analyze(synthetic.study("add-one", 5, BAG, diverge=False)[0])


def decided(a, **verdicts):
    """The analysis with these verdicts, all others negligible."""
    for e in a.effects:
        verdict = verdicts.get(e.label.replace("-", "_").replace("=", "_"), "negligible")
        effects = [replace(x, verdict=verdict) if x is e else x for x in a.effects]
        a = replace(a, effects=tuple(effects))
    return a


def steps(a, **kwargs):
    kwargs = {"asked": ASKED, "recommended": RECIPE, "run": "ab" * 8, "seconds": 60.0, **kwargs}
    return next_steps(Situation(analysis=a, **kwargs))


def commands(found):
    return [step.command or step.suggestion for step in found]


def test_the_winner_is_confirmed_and_taken_along(analysis):
    confirm, take = steps(decided(analysis))
    assert confirm.command == "tricks-bench run --confirm --study s"
    assert (confirm.runs, confirm.cost) == (10, "10 runs, about 10 min of run time")
    assert take.command == f"tricks-bench recipe {'ab' * 8} --as pytorch"
    assert take.cost == ""


def test_of_a_script_there_is_no_recipe_to_take_along(analysis):
    script = from_mapping({**ASKED.to_mapping(), "script": {"run": "python t.py {seed}"}})
    assert [c for c in commands(steps(decided(analysis), asked=script)) if " recipe " in c] == []


def test_nothing_is_confirmed_where_the_baseline_is_recommended(analysis):
    base = Recommended("baseline", {}, "baseline", 1, 5)
    assert not any(
        "--confirm" in command for command in commands(steps(analysis, recommended=base))
    )


def test_seeds_are_counted_for_what_they_can_decide(analysis):
    a = decided(analysis, mixup="undecided", evonorm="undecided")
    times = {"mixup": 1.9, "evonorm": 7.0}
    a = replace(a, effects=tuple(
        replace(e, to_decide=MoreRuns(9, times[e.label])) if e.label in times else e
        for e in a.effects
    ))  # fmt: skip
    more, leave = [
        step for step in steps(a) if "seeds" in step.suggestion and "fresh" not in step.suggestion
    ]
    assert "10 seeds instead of 5 to decide mixup" in more.suggestion
    assert "--tricks mixup --grid add-one --seeds 10 --name s-more" in more.command
    assert more.runs == 2 * 5
    assert "Do not add seeds for evonorm" in leave.suggestion
    assert leave.command is None
    whole = steps(a, asked=from_mapping({**ASKED.to_mapping(), "grid": "leave-one-out"}))
    assert "tricks-bench run --study s --seeds 10" in commands(whole)


def test_what_helps_alone_is_tried_together(analysis):
    a = decided(analysis, zero_gamma="helps", optimizer_lars="helps", optimizer_adamw="helps")
    [together] = [step for step in steps(a) if "together" in step.suggestion]
    words = shlex.split(together.command)
    tricks = words[words.index("--tricks") + 1].split(",")
    assert len(tricks) == 2, "of one factor only its best level"
    assert "zero-gamma" in tricks
    assert together.runs == 3 * 5
    assert not any(
        "together" in step.suggestion for step in steps(decided(analysis, mixup="helps"))
    )


def test_what_moves_the_rate_gets_a_rate_of_its_own(analysis):
    a = decided(analysis, evonorm="hurts", mixup="helps")
    [tuned] = [step for step in steps(a) if "--tune" in (step.command or "")]
    assert "--tricks evonorm --grid add-one --tune lr_scale=0.5,1,2" in tuned.command
    assert tuned.runs == 2 * (3 * 2 + 5)


def test_missing_runs_come_first(analysis):
    first = steps(decided(analysis), missing=4)[0]
    assert (first.command, first.runs) == ("tricks-bench run --study s", 4)


def test_one_seed_asks_for_three():
    a = analyze(synthetic.study("add-one", 1, BAG, diverge=False)[0])
    asked = from_mapping({**ASKED.to_mapping(), "seeds": 1})
    assert "tricks-bench run --study s --seeds 3" in commands(steps(a, asked=asked))


def test_a_name_that_is_no_plain_word_gives_no_command(analysis):
    assert steps(analysis, asked=from_mapping({**ASKED.to_mapping(), "name": "a; rm -rf x"})) == ()


def test_another_store_is_named(analysis):
    found = steps(decided(analysis), results=Path("my runs"))
    assert all(command.endswith("--results 'my runs'") for command in commands(found))


def test_the_commands_can_be_run(analysis, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    a = decided(analysis, zero_gamma="helps", optimizer_lars="helps", evonorm="undecided")
    a = replace(a, effects=tuple(
        replace(e, to_decide=MoreRuns(9, 1.5)) if e.label == "evonorm" else e for e in a.effects
    ))  # fmt: skip
    mine = [shlex.split(c) for c in commands(steps(a)) if " run " in c and "--study" not in c]
    assert len(mine) == 3
    for words in mine:
        assert call([*words[1:], "--dry-run", "--json"]) == 0, words
    for words in (["--confirm", "--study", "s"], ["--study", "s"]):
        assert call(["run", *words, "--dry-run"]) == 2  # there is no such study here
    capsys.readouterr()


def test_fields_are_varied_as_factors(analysis):
    asked = from_mapping({**ASKED.to_mapping(), "factors": [StoredFactor(name="mixup", kind="field",
                          levels=("0.1", "on"))]})  # fmt: skip
    a = replace(decided(analysis, mixup="undecided"), estimand="x")
    a = replace(a, effects=tuple(
        replace(e, to_decide=MoreRuns(9, 1.5), reference="0.1") for e in a.effects
        if e.label == "mixup"
    ))  # fmt: skip
    [more] = [step for step in steps(a, asked=asked) if "to decide" in step.suggestion]
    assert "--set mixup" not in more.command
    assert "--tricks none --factor mixup=0.1,on" in more.command


def test_the_report_ends_its_findings_with_it(tmp_path, no_drawing):
    text = write_report(synthetic.material(*synthetic.study("add-one", 5, BAG)), tmp_path)
    found = text.read_text().split("## Findings")[1].split("\n## ")[0]
    assert found.index("### What to do next") > found.index("- **")
    assert "**Recommended recipe**: **zero-gamma**" in found
    assert "Estimated gain over the baseline: +" in found


def test_why_there_is_no_recipe_is_said():
    found = synthetic.material(*synthetic.study("add-one", 1, BAG, diverge=False))
    assert "none can be named, since there is no noise" in inline(recipe_text(found))


def test_programs_are_told_the_same():
    found = synthetic.material(*synthetic.study("add-one", 5, BAG))
    told = json.loads(json.dumps(advice(found)))
    assert told["recommended"]["label"] == "zero-gamma"
    assert told["recommended"]["ci_low"] < told["recommended"]["gain"]
    assert [step["command"] for step in told["next"]] == [step.command for step in found.steps]
    once = advice(synthetic.material(*synthetic.study("add-one", 1, BAG, diverge=False)))
    assert once["recommended"] is None
    assert "no noise" in once["recommended_reason"]
