"""A long grid says so before it starts."""

import pytest

from runner.planning.hours import forecast
from runner.studies.asked import Asked
from runner.studies.study import build


@pytest.fixture
def plan():
    def make(seconds, grid="full", **asked):
        study = build(Asked(grid=grid, **asked))
        return forecast(study, study.runs, seconds, 2)

    return make


def test_under_ten_minutes_nothing_is_said(plan):
    assert plan(1.5) is None
    assert plan(290.0, "add-one", tricks=["warmup"], seeds=1) is None


def test_a_few_long_runs_are_said_too(plan):
    said = plan(90_000.0, "add-one", tricks=["warmup"], seeds=1)
    assert said == "this will take about 1 d 1 h: 2 runs of about 1 d 1 h, 2 at a time"


def test_a_long_grid_names_the_fraction_that_answers_sooner(plan):
    said = plan(6.0)
    assert "768 runs of about 6 s, 2 at a time" in said
    assert "--grid fraction estimates every trick's average effect in about 3 min" in said


def test_the_fraction_is_named_only_where_there_is_one(plan):
    assert "fraction" not in plan(60.0, "add-one")
    assert "fraction" not in plan(600.0, tricks=["warmup", "cosine", "mixup", "cutmix"])


@pytest.mark.parametrize(("yes", "answer", "code"), [("", "n\n", 0), ("", "y\n", 0), ("-y", "", 0)])
def test_on_a_terminal_it_asks(cli, stub, monkeypatch, tmp_path, yes, answer, code):
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("runner.planning.hours.forecast", lambda *a, **k: "about 3 h")
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    result = cli("run", "--tricks", "warmup", "--seeds", "1", *([yes] if yes else []))
    assert result.code == code
    assert "about 3 h" in result.out
    declined = answer == "n\n"
    assert ("nothing was started" in result.out) == declined
    assert (tmp_path / "results").exists() != declined, "a no leaves nothing behind"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--set model=resnt50", "unknown model 'resnt50': the closest names are resnet50, "),
        ("--set train_images=5000", "5000 images were asked for, but there are"),
        ("--set start=pretrained", "has no pretrained weights: --set start=scratch"),
    ],
)
def test_what_only_torch_can_tell_is_said_before_anything_is_written(cli, tmp_path, options, said):
    result = cli("run", "--tricks", "warmup", *options.split())
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
