"""run --confirm: the winner on fresh seeds, compared with the promised effect."""

import tomllib

import pytest

from runner.records.store import Store
from runner.records.studies import load_study


@pytest.fixture
def won(cli, stub):
    """A study in which cosine and adamw help, on validation and on test."""
    stub.shifts |= {"cosine": 3.0, "adamw": 1.0, "warmup": -2.0}
    done = cli("run", "--grid", "full", "--tricks", "warmup,cosine,adamw", "--name", "first")
    assert done.code == 0, done.err
    stub.ids.clear()
    return stub


def test_the_winner_is_trained_again_on_fresh_seeds(cli, won, tmp_path):
    done = cli("run", "--confirm")
    assert done.code == 0, done.err
    assert len(won.ids) == 10
    store = Store(tmp_path / "results", create=False)
    first, second = load_study(store, "first"), load_study(store, "first-confirm")
    assert second.asked.grid == "add-one"
    [factor] = second.asked.factors
    assert (factor.name, factor.kind) == ("winner", "winner")
    assert factor.levels == ("baseline", "cosine + optimizer=adamw")
    assert not {run["seed"] for run in first.runs} & {run["seed"] for run in second.runs}
    assert not set(first.ids) & set(second.ids)
    recipes = {store.read(id)["recipe"]["schedule"]["name"] for id in second.ids}
    assert recipes == {"step-decay", "cosine"}
    assert {tuple(store.read(id)["tricks"]) for id in second.ids} == {(), ("cosine", "adamw")}


def test_the_promise_stands_beside_the_fresh_effect(cli, won, tmp_path):
    out = cli("run", "--confirm", "--study", "first").out
    asked = tomllib.loads((tmp_path / "results/studies/first-confirm/study.toml").read_text())
    arms = {arm["label"]: arm for arm in
            cli("analyze", "first", "--metric", "val_accuracy", "--json").json["arms"]}  # fmt: skip
    promised = asked["confirm"]["promised"]
    best = arms["cosine + optimizer=adamw"]["mean"] - arms["baseline"]["mean"]
    assert promised["val_accuracy"] == pytest.approx(best, abs=1e-3)
    answer = cli("analyze", "first-confirm", "--json").json
    [effect] = answer["effects"]
    text = (
        f"accuracy: first promised {promised['accuracy']:+.2f} pp, on fresh seeds "
        f"{effect['effect']:+.2f} pp (95 % interval {effect['ci_low']:+.2f} to "
        f"{effect['ci_high']:+.2f})."
    )
    assert text in out
    assert text in answer["notes"]


def test_the_report_has_the_promise(cli, won, tmp_path, no_drawing):
    cli("run", "--confirm")
    assert cli("report").code == 0
    report = (tmp_path / "reports/first-confirm/report.md").read_text()
    assert "first promised" in report
    assert "on fresh seeds" in report


def test_run_again_it_goes_on_and_takes_more_seeds(cli, won):
    assert cli("run", "--confirm", "--seeds", "3").code == 0
    assert len(won.ids) == 6
    assert cli("run", "--confirm").code == 0, "the latest study is now the confirming one itself"
    assert len(won.ids) == 10
    assert cli("run", "--study", "first-confirm", "--seeds", "6").code == 0
    assert len(won.ids) == 12
    plan = cli("run", "--confirm", "--dry-run", "--json").json
    assert (plan["study"], plan["arms"], plan["missing"]) == ("first-confirm", 2, 0)


def test_diverged_and_collapsed_arms_cannot_win(cli, stub):
    stub.shifts |= {"cosine": 5.0, "mixup": 2.0, "warmup": -85.0, "zero-gamma": 1.0}
    stub.states[("cosine",)] = "diverged"
    cli("run", "--tricks", "cosine,mixup,warmup,zero-gamma")
    plan = cli("run", "--confirm", "--dry-run", "--json").json
    assert plan["factors"][0]["levels"] == ["baseline", "mixup"]


def test_an_arm_with_field_values_can_win(cli, stub):
    stub.shifts |= {"lr_scale=2": 5.0}
    cli("run", "--grid", "full", "--tricks", "none", "--factor", "lr_scale=1,2", "--seeds", "2")
    done = cli("run", "--confirm", "--seeds", "2")
    assert done.code == 0, done.err
    assert cli("analyze", "--json").json["effects"][0]["level"] == "lr_scale=2"


def test_a_placebo_can_win_and_is_found_out(cli, stub):
    stub.shifts |= {"placebo": 5.0}
    cli("run", "--tricks", "cosine", "--placebo")
    assert cli("run", "--confirm").code == 0
    assert cli("analyze", "--json").json["effects"][0]["level"] == "placebo"
    plan = cli("run", "--study", "digits-add-one-confirm", "--dry-run", "--json").json
    assert plan["missing"] == 0


def test_another_winner_does_not_go_on_under_the_name(cli, won):
    cli("run", "--confirm")
    won.shifts |= {"mixup": 8.0}
    cli("run", "--grid", "full", "--tricks", "warmup,cosine,adamw,mixup", "--name", "first")
    refused = cli("run", "--confirm")
    assert refused.code == 2
    assert "confirms another winner" in refused.err
    assert cli("run", "--confirm", "--study", "first", "--name", "second", "--dry-run").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--tricks cosine", "only --study, --seeds and --name"),
        ("--until decided", "only --study, --seeds and --name"),
        ("--study firts", "did you mean first"),
        ("--study first.toml", "needs the name of a study"),
        ("--seeds 0", "at least 1"),
    ],
)
def test_bad_requests(cli, won, options, said):
    refused = cli("run", "--confirm", *options.split())
    assert refused.code == 2
    assert said in refused.err
    assert not won.ids


def test_where_nothing_won_it_says_so(cli, stub):
    assert "run `tricks-bench run` first" in cli("run", "--confirm").err
    stub.shifts |= {"warmup": -5.0}
    cli("run", "--tricks", "warmup")
    refused = cli("run", "--confirm")
    assert refused.code == 2
    assert "nothing to confirm" in refused.err
    stub.states |= {("mixup",): "diverged", ("cosine",): "failed"}
    cli("run", "--tricks", "mixup,cosine", "--name", "lost")
    assert "has no winner" in cli("run", "--confirm").err
