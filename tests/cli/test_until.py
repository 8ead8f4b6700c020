"""run --until: looks, stopping, continuing, and the level that stays with the study."""

import tomllib

import pytest

from runner.execution.events import Summary

LINE = ("run", "--tricks", "warmup,cosine", "--until", "decided")


def test_it_stops_when_every_factor_has_a_verdict(cli, stub):
    stub.shifts |= {"warmup": 3.0, "cosine": -3.0}
    done = cli(*LINE)
    assert done.code == 0, done.err
    assert "look 1 of 4 (5 seeds of each arm): 2 of 2 effects decided on val_accuracy" in done.out
    assert "is decided: nothing more to train" in done.out
    assert len(stub.ids) == 15
    again = cli(*LINE)
    assert again.code == 0
    assert "is decided" in again.out
    assert len(stub.ids) == 15, "a study that is decided trains nothing more"
    by_name = cli("run", "--study", "digits-add-one", "--json").json
    assert by_name["stopped"] == "decided"
    assert [look["seeds"] for look in by_name["looks"]] == [5]


def test_what_is_open_goes_on_to_the_end_of_the_budget(cli, stub):
    stub.shifts |= {"warmup": 3.0, "cosine": 0.24}
    done = cli(*LINE, "--seeds", "6", "--looks", "3", "--json")
    assert done.code == 0, done.err
    looks = done.json["looks"]
    assert [look["seeds"] for look in looks] == [2, 4, 6]
    assert done.json["stopped"] == "budget"
    assert looks[-1]["open"] == ["cosine"]
    assert looks[-1]["wanted"] > 0
    assert len(stub.ids) == 18
    assert "open: cosine" in done.err
    assert "more runs, but the budget has 6 left" in done.err


def test_a_placebo_keeps_no_study_open(cli, stub):
    """A placebo's effect is known to be zero: a study is done once the tricks are decided."""
    stub.shifts |= {"warmup": 3.0, "cosine": -3.0}
    done = cli(*LINE, "--placebo")
    assert done.code == 0, done.err
    assert "look 1 of 4 (5 seeds of each arm): 2 of 2 effects decided" in done.out
    assert len(stub.ids) == 20
    effects = cli("analyze", "--metric", "val_accuracy", "--json").json["effects"]
    assert {e["factor"]: e["verdict"] for e in effects}["placebo"] == "undecided"


def test_a_placebo_alone_has_an_interval_and_no_verdict_to_wait_for(cli, stub):
    line = ("run", "--tricks", "none", "--placebo", "--until")
    refused = cli(*line, "decided")
    assert refused.code == 2
    assert "nothing to decide" in refused.err
    done = cli(*line, "half-width=0.5", "--json").json
    assert done["stopped"] == "decided"
    assert done["looks"][-1]["effects"] == 1


def test_a_half_width_is_reached(cli, stub):
    done = cli(*LINE[:-1], "half-width=0.5", "--json").json
    assert done["stopped"] == "decided"
    study = cli("analyze", "--metric", "val_accuracy", "--json").json
    assert all((e["ci_high"] - e["ci_low"]) / 2 <= 0.5 for e in study["effects"])
    assert cli("status", "--json").json["planned"] == 3 * done["looks"][-1]["seeds"]


@pytest.mark.parametrize(
    "kill_after", [16, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 20, -2))]
)
def test_killed_anywhere_it_comes_to_the_same_end(cli, stub, monkeypatch, kill_after):
    """Like a study killed after some runs (-2: two before its end) and started again."""
    stub.shifts |= {"warmup": 3.0, "cosine": 0.3}
    line = (*LINE, "--seeds", "12", "--json")
    whole = cli(*line, "--results", "whole").json
    ids = list(stub.ids)
    kill_after %= len(ids)

    from runner.execution import executor

    execute = executor.execute

    def cut(runs, store, order, on_event):
        runs = list(runs)
        left = [s for s in runs if s.id not in store.states()]
        room = kill_after - len(store.states())
        if len(left) <= room:
            return execute(runs, store, order, on_event)
        execute(left[:room], store, order, on_event)
        return Summary(room, 0, 0, 0, 0, True)

    stub.ids.clear()
    monkeypatch.setattr(executor, "execute", cut)
    broken = cli(*line)
    assert broken.code == 130
    assert broken.json["stopped"] == "interrupted"
    assert "continues from here" in broken.err
    monkeypatch.setattr(executor, "execute", execute)
    assert cli(*line).json["looks"] == whole["looks"]
    assert stub.ids == ids


def test_a_control_with_more_seeds_grows_with_the_looks(cli, stub):
    line = (*LINE, "--seeds", "6", "--looks", "3", "--control-seeds", "auto")
    plan = cli(*line, "--dry-run", "--json").json
    assert [look["runs"] for look in plan["looks"]] == [7, 14, 21]
    done = cli(*line, "--json").json
    assert len(stub.ids) == [7, 14, 21][len(done["looks"]) - 1]
    assert cli(*LINE, "--seeds", "6", "--looks", "3").code == 2


def test_a_dry_run_plans_the_whole_budget(cli, tmp_path):
    plan = cli(*LINE, "--dry-run", "--json").json
    assert (plan["runs"], plan["missing"], plan["seeds"]) == (60, 60, 20)
    assert [look["runs"] for look in plan["looks"]] == [15, 30, 45, 60]
    assert 0.0125 < plan["level"] < 0.02
    assert not list(tmp_path.iterdir())


def test_every_result_afterwards_is_at_the_level_of_the_looks(cli, stub, tmp_path):
    stub.shifts |= {"warmup": 3.0, "cosine": -3.0}
    cli(*LINE)
    asked = tomllib.loads((tmp_path / "results/studies/digits-add-one/study.toml").read_text())
    assert (asked["until"], asked["looks"], asked["seeds"]) == ("decided", 4, 20)
    level = asked["sequential"]["level"]
    for metric in ("accuracy", "val_accuracy"):
        said = cli("analyze", "--metric", metric, "--json").json
        assert said["level"] == pytest.approx(level)
        assert any("95 % over 4 planned looks (at 5, 10, 15 and 20 seeds)" in n
                   for n in said["notes"])  # fmt: skip
    assert cli("export", "digits-add-one", "-o", "copy").code == 0
    assert cli("analyze", "copy", "--json").json["level"] == pytest.approx(level)


def test_the_report_says_at_which_level_it_is(cli, stub, tmp_path, no_drawing):
    cli(*LINE, "--seeds", "4")
    assert cli("report").code == 0
    report = (tmp_path / "reports" / "digits-add-one" / "report.md").read_text()
    assert "over 3 planned looks (at 2, 3 and 4 seeds): each at 97." in report


def test_the_plan_of_a_study_does_not_change_under_its_name(cli, stub):
    stub.shifts |= {"warmup": 3.0, "cosine": -3.0}
    cli(*LINE)
    for line, said in (
        (("run", "--tricks", "warmup,cosine", "--seeds", "30"), "continues the plan"),
        ((*LINE, "--looks", "8", "--seeds", "20"), "not with --looks 8"),
        ((*LINE, "--seeds", "40"), "not with --seeds 40"),
        (("run", "--study", "digits-add-one", "--seeds", "40"), "not with --seeds 40"),
        ((*LINE[:-1], "half-width=1"), "not with --until half-width=1"),
        (("run", "--tricks", "warmup,cosine,mixup", "--until", "decided"), "other factors"),
    ):
        refused = cli(*line)
        assert refused.code == 2, line
        assert said in refused.err
        assert "--name" in refused.err
    assert len(stub.ids) == 15


def test_runs_that_were_seen_cannot_be_planned_afterwards(cli, stub):
    cli("run", "--tricks", "warmup,cosine", "--seeds", "3")
    refused = cli(*LINE)
    assert refused.code == 2
    assert "may have been seen" in refused.err
    assert cli(*LINE, "--name", "planned").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--until sure", "use decided"),
        ("--until half-width", "half-width=0.3"),
        ("--until half-width=0", "half-width=0.3"),
        ("--until half-width=inf", "half-width=0.3"),
        ("--until decided --looks 0", "at least 1"),
        ("--until decided --seeds 1", "no look has an interval"),
        ("--until decided --tune lr_scale=0.5,1", "--tune"),
        ("--looks 4", "it needs --until"),
    ],
)
def test_what_cannot_be_planned_is_refused(cli, tmp_path, options, said):
    refused = cli("run", "--tricks", "warmup", *options.split())
    assert refused.code == 2
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_arm_that_only_diverges_does_not_hold_the_study_open(cli, stub):
    stub.shifts |= {"warmup": 3.0}
    stub.states[("cosine",)] = "diverged"
    done = cli(*LINE)
    assert done.code == 0, done.err
    assert "cannot be estimated: cosine" in done.out
    assert len(stub.ids) == 15


def test_a_plan_that_was_lost_is_not_taken_for_a_plain_study(cli, stub, tmp_path):
    cli(*LINE)
    file = tmp_path / "results/studies/digits-add-one/study.toml"
    lines = file.read_text().splitlines(True)  # as versions without checksums wrote it
    text = "".join(line for line in lines if "sha256" not in line)
    file.write_text(text.replace("level = ", "lvl = "))
    for command in ("analyze", "report"):
        refused = cli(command)
        assert refused.code == 2
        assert "[sequential]" in refused.err


def test_a_request_to_stop_on_a_looks_last_run_is_kept(cli, stub):
    stub.asked_to_stop = True
    result = cli(*LINE)
    assert result.code == 130
    assert "look 1 of 4" in result.out
    assert "look 2 of 4" not in result.out
    assert "continues from here" in result.out
    stub.asked_to_stop = False
    assert cli(*LINE).code == 0
