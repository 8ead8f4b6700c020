"""plan, and list grids for chosen factors, over a small store."""

import shlex
from pathlib import Path

import pandas
import pytest

TRICKS = ("--tricks", "warmup,cosine,mixup")


def test_from_a_given_sd(cli):
    found = cli("plan", "--effect", "0.3", *TRICKS, "--sigma", "0.3", "--workers", "2", "--json")
    answer = found.json
    grids = {grid["name"]: grid for grid in answer["grids"]}
    assert answer["goal"] == {"kind": "effect", "value": 0.3, "alpha": 0.05, "power": 0.8}
    assert (answer["sigma"], answer["adjustment"], answer["workers"]) == (0.3, "family", 2)
    assert answer["seconds_per_run"] is None
    assert "hours are not known" in answer["seconds_reason"]
    add_one = grids["add-one"]["baseline"]
    assert add_one["family"]["runs"] == 4 * add_one["family"]["seeds"]
    assert add_one["family"]["seeds"] > add_one["each"]["seeds"]
    assert 0.25 < add_one["family"]["reaches"] <= 0.3
    assert grids["add-one"]["grid_average"]["family"]["runs"] is None
    assert grids["add-one"]["grid_average"]["family"]["reason"]
    average = answer["cheapest"]["grid_average"]
    known = [g["grid_average"]["family"]["runs"] for g in grids.values() if "arms" in g]
    assert grids[average]["grid_average"]["family"]["runs"] == min(n for n in known if n)


def test_each_grid_is_cheapest_where_it_should_be(cli):
    asked = ("plan", "--half-width", "0.2", "--sigma", "0.3", "--tricks")
    many = "warmup,cosine,mixup,cutmix,label-smoothing,zero-gamma,randaugment"
    answer = cli(*asked, many, "--json").json
    assert answer["cheapest"] == {"grid_average": "screen", "baseline": "add-one"}
    said = cli(*asked, many).out
    assert "averaged over the grid: screen is cheapest" in said
    assert "at the baseline: add-one is cheapest" in said
    assert max(len(line) for line in said.split("level:")[0].splitlines()[2:10]) <= 100


def test_the_sd_and_the_hours_come_from_records(cli, stub):
    assert cli("run", "--tricks", "warmup", "--seeds", "5", "--name", "pilot").code == 0
    answer = cli("plan", "--effect", "0.3", *TRICKS, "--workers", "2", "--json").json
    assert answer["sigma_df"] == 8
    assert answer["sigma"] > answer["sigma_estimate"] > 0
    assert "upper 80 % bound" in answer["sigma_source"]
    assert "pilot (8 df)" in answer["sigma_source"]
    assert answer["seconds_per_run"] == pytest.approx(1.2)
    need = next(g for g in answer["grids"] if g["name"] == "add-one")["baseline"]["family"]
    assert need["hours"] == pytest.approx(-(-need["runs"] // 2) * 1.2 / 3600)
    named = cli("plan", "--effect", "0.3", *TRICKS, "--pilot", "pilot", "--json").json
    assert named["sigma"] == answer["sigma"]


def test_an_exported_check_is_a_pilot_by_its_baseline_alone(cli):
    """Other learning rates and twice the epochs have other noise."""
    check = Path(__file__).parents[2] / "results" / "reference" / "digits-check"
    answer = cli("plan", "--effect", "1", *TRICKS, "--pilot", str(check), "--json").json
    runs = pandas.read_csv(check / "runs.csv")
    own = runs[runs["lr_scale"].eq(1) & runs["epochs"].eq(40)]["accuracy"]
    assert len(own) == 10
    assert answer["sigma_df"] == 9
    assert answer["sigma_estimate"] == pytest.approx(own.std())


def test_without_a_pilot_it_names_a_command_that_gives_one(cli, stub):
    found = cli("plan", "--effect", "0.3", *TRICKS, "--set", "epochs=3")
    assert found.code == 2
    assert "give --sigma" in found.err
    command = found.err.split("`")[1]
    assert cli(*shlex.split(command)[1:]).code == 0
    assert cli("plan", "--effect", "0.3", *TRICKS, "--set", "epochs=3").code == 0


def test_a_pilot_of_one_seed_shows_no_sd(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1", "--name", "single")
    found = cli("plan", "--effect", "0.3", "--pilot", "single")
    assert found.code == 2
    assert "two runs" in found.err


@pytest.mark.parametrize(("arguments", "said"), [
    (["--effect", "0"], "--effect must be a number above 0"),
    (["--effect", "-1"], "--effect must be a number above 0"),
    (["--effect", "nan"], "--effect must be a number above 0"),
    (["--half-width", "inf"], "--half-width must be a number above 0"),
    (["--half-width", "0.2", "--power", "0.9"], "--power is for --effect"),
    (["--effect", "1", "--power", "1"], "--power must be between"),
    (["--effect", "1", "--power", "0"], "--power must be between"),
    (["--effect", "1", "--sigma", "0"], "--sigma must be a number above 0"),
    (["--effect", "1", "--sigma", "1", "--pilot", "x"], "give one of them"),
    (["--effect", "1", "--sigma", "1", "--workers", "0"], "--workers must be at least 1"),
    (["--effect", "1", "--sigma", "1", "--tricks", "none"], "there is nothing to vary"),
    (["--effect", "1", "--sigma", "1", "--tricks", "warmpu"], "warmup"),
    (["--effect", "1", "--pilot", "x"], "no store at"),
    ([], "--effect 0.3"),
    (["--effect", "1", "--half-width", "1"], "give one goal"),
])  # fmt: skip
def test_a_mistake_is_one_line(cli, arguments, said):
    found = cli("plan", *arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1
    assert not found.out


def test_an_effect_too_small_for_any_budget_has_a_reason(cli):
    answer = cli("plan", "--effect", "0.0001", "--sigma", "1", *TRICKS, "--json").json
    assert answer["cheapest"] == {"grid_average": None, "baseline": None}
    assert "more than 1,000,000 runs" in str(answer["grids"][0]["baseline"])


def test_list_grids_for_chosen_factors(cli):
    rows = cli("list", "grids", *TRICKS, "--seeds", "4", "--json").json
    found = {row["name"]: row["diagnostics"] for row in rows}
    assert found["full"]["runs"] == 32
    assert found["full"]["clear"] is True
    effect = found["full"]["effects"][0]
    assert effect["label"] == "warmup"
    assert effect["grid"]["se"] == pytest.approx(2 / 32**0.5)
    assert all(row["diagnostics"] or row["reason"] for row in rows)
    table = cli("list", "grids", *TRICKS, "--seeds", "4").out
    assert "8 × 4 = 32" in table


def test_list_grids_without_factors_stays_a_list(cli):
    assert set(cli("list", "grids", "--json").json[0]) == {"name", "summary", "seeds"}


def test_the_bare_list_of_grids_says_how_to_see_what_each_would_tell(cli):
    last = cli("list", "grids").out.splitlines()[-1]
    words = last.split("`")[1].split()[1:]
    assert "at the baseline" in cli(*words).out


@pytest.mark.parametrize(("arguments", "said"), [
    (["tasks", "--seeds", "3"], "--seeds is for `tricks-bench list grids`"),
    (["grids", "--seeds", "0"], "--seeds must be at least 1"),
    (["grids", "--runs", "0"], "--runs must be at least 1"),
    (["grids", "--tricks", "none"], "there is nothing to vary"),
])  # fmt: skip
def test_list_says_what_is_wrong(cli, arguments, said):
    found = cli("list", *arguments)
    assert found.code == 2
    assert said in found.err
