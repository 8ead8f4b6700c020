"""launch.run as called by another program: takes options, returns an outcome, prints nothing."""

from contextlib import contextmanager

import pytest

from runner.launch.options import Options
from runner.launch.run import run
from runner.records.store import Store
from runner.studies.asked import Asked
from runner.studies.study import build
from tricks.errors import BadInput


class Diary:
    """A listener that notes its calls."""

    def __init__(self):
        self.lines, self.grids, self.looks, self.outcomes = [], [], [], []

    def say(self, line):
        self.lines.append(line)

    @contextmanager
    def training(self, total, recorded, workers, results):
        self.grids.append((total, recorded, workers))
        yield lambda event: None

    def looked(self, study, look):
        self.looks.append(look)

    def trained(self, outcome):
        self.outcomes.append(outcome)


def test_it_trains_what_is_missing_and_prints_nothing(stub, tmp_path, capsys):
    study = build(Asked(tricks=["warmup"], seeds=2))
    options = Options(tmp_path / "results", workers=2, device="cpu")
    first = run(study, options)
    [summary] = first.summaries
    assert (first.ended, summary.ok, first.failed, first.weights) == ("done", 4, 0, None)
    diary = Diary()
    again = run(build(Asked(tricks=["warmup"], seeds=3)), options, diary)
    assert diary.grids == [(6, 4, 2)]
    assert diary.outcomes == [again]
    assert diary.lines[0].startswith("the baseline was not checked: `tricks-bench check --task")
    assert diary.lines[1].startswith("preparing to train 2 runs")
    assert len(stub.ids) == 6
    assert capsys.readouterr() == ("", "")


def test_looks_are_told_as_they_come(stub, tmp_path):
    stub.shifts |= {"warmup": 3.0, "cosine": 0.24}
    asked = Asked(tricks=["warmup", "cosine"], until="decided", seeds=6, looks=3)
    diary = Diary()
    outcome = run(build(asked), Options(tmp_path / "results", device="cpu"), diary)
    assert outcome.ended == "budget"
    assert outcome.looks == tuple(diary.looks)
    assert [(look.number, look.seeds) for look in outcome.looks] == [(1, 2), (2, 4), (3, 6)]
    assert [summary.ok for summary in outcome.summaries] == [6, 6, 6]
    assert outcome.looks[-1].open == ("cosine",)


@pytest.mark.parametrize("until", ["", "half-width=5"])
def test_a_grid_that_takes_long_is_started_only_if_so_answered(stub, monkeypatch, tmp_path, until):
    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", lambda *a, **k: 10_000.0)
    study = build(Asked(tricks=["warmup"], seeds=4, until=until))
    asked = []
    options = Options(
        tmp_path / "results", workers=2, device="cpu", ask=lambda: bool(asked.append("no"))
    )
    diary = Diary()
    assert run(study, options, diary).ended == "declined"
    assert diary.lines[-1] == "nothing was started"
    assert not (tmp_path / "results").exists()
    yes = Options(
        tmp_path / "results", workers=2, device="cpu", ask=lambda: not asked.append("yes")
    )
    assert run(study, yes).ended in ("done", "decided", "budget")
    assert asked == ["no", "yes"], "later looks do not ask again"


def test_failures_are_counted_once_and_an_end_is_told(stub, tmp_path):
    stub.states[("warmup",)] = "failed"
    study = build(Asked(tricks=["warmup"], seeds=2))
    options = Options(tmp_path / "results", device="cpu", save_models="last")
    outcome = run(study, options)
    assert (outcome.ended, outcome.failed, outcome.weights) == ("done", 2, None)
    assert sorted(Store(tmp_path / "results").states().values()) == ["failed"] * 2 + ["ok"] * 2


def test_weights_to_keep_are_last_or_best(tmp_path):
    with pytest.raises(BadInput, match=r"--save-models first: unknown choice"):
        Options(tmp_path, save_models="first")
