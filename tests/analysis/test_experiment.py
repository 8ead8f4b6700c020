"""Experiments from a CSV, and what is wrong with a CSV."""

from __future__ import annotations

import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.runs_file import from_file
from runner.analysis.metrics.registry import named
from runner.analysis.to_json import to_json
from tricks.errors import BadInput


@pytest.fixture
def csv(tmp_path):
    def write(text):
        path = tmp_path / "runs.csv"
        path.write_text(text)
        return path

    return write


def test_reads_factors_and_leaves_bookkeeping_alone(csv):
    path = csv(
        "seed,mixup,optimizer,lr_scale,seconds,device,host,accuracy\n"
        "0,0,sgd,1.0,3,cpu,a,90\n1,1.0,adamw,0.5,4,cpu,a,91\n2,0,sgd,2,5,cpu,b,92\n"
    )
    assert from_file(path).factors == {
        "mixup": ("0", "1"), "optimizer": ("sgd", "adamw"), "lr_scale": ("0.5", "1", "2"),
    }  # fmt: skip


def test_the_reference_is_off_wherever_it_stands(csv):
    assert from_file(csv("mixup,accuracy\non,90\noff,91\n")).factors["mixup"] == ("off", "on")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,accuracy\n0,90\n1,nan\n", "line 3, column 'accuracy': 'nan'"),
        ("a,accuracy\n0,90\n1,good\n", "line 3, column 'accuracy': 'good'"),
        ("a,accuracy\n0,90\n1,\n", "line 3, column 'accuracy'"),
        ("a,accuracy\n0,90\n1,inf\n", "line 3, column 'accuracy'"),
        ("a,accuracy\n0,90\n,91\n", "line 3, column 'a': the level is missing"),
        ("a,acuracy\n0,90\n1,91\n", "did you mean acuracy"),
        ("a,accuracy\n0,90\n0,91\n", "no column varies"),
        ("a,accuracy\n", "a header without rows"),
        ("", "the file is empty"),
        ("a,a,accuracy\n0,1,90\n1,0,91\n", "two columns are called 'a'"),
    ],
)
def test_bad_csv(csv, text, said):
    path = csv(text)
    with pytest.raises(BadInput) as caught:
        from_file(path)
    message = str(caught.value)
    assert said in message
    assert str(path) in message
    assert "\n" not in message


def test_named_factors(csv):
    path = csv("a,b,seed,accuracy\n0,0,0,90\n1,0,1,91\n")
    assert list(from_file(path, ["a"]).factors) == ["a"]
    with pytest.raises(BadInput, match="nothing to compare"):
        from_file(path, ["b"])
    with pytest.raises(BadInput, match="did you mean a"):
        from_file(path, ["aa"])
    with pytest.raises(BadInput, match="cannot be a factor"):
        from_file(path, ["seed"])


def test_a_measurement_is_not_taken_for_a_factor(csv):
    rows = "\n".join(f"{i % 2},{i * 0.37},{90 + i % 3}" for i in range(60))
    found = from_file(csv(f"a,f1,accuracy\n{rows}\n"))
    assert list(found.factors) == ["a"]
    assert found.notes == ("Not factors, since they look like measurements: f1.",)
    rows = "\n".join(f"{i % 2},{i},{90 + i % 3}" for i in range(60))
    with pytest.raises(BadInput, match="'f1' has 60 distinct values"):
        from_file(csv(f"a,f1,accuracy\n{rows}\n"))


def test_diverged_rows_may_lack_the_metric(csv):
    path = csv("a,state,accuracy\n0,ok,90\n0,ok,91\n1,ok,91\n1,diverged,\n1,ok,92\n")
    a = analyze(from_file(path))
    assert a.runs.states["diverged"] == 1
    assert a.effects[0].estimate.value == pytest.approx(1.0)


def test_missing_file(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        from_file(tmp_path / "none.csv")


def test_shares_are_refused(csv):
    text = "a,state,val_accuracy\noff,ok,0.9\non,ok,{}\non,diverged,\n"
    with pytest.raises(BadInput, match=r"'val_accuracy'.*multiply them by 100"):
        from_file(csv(text.format(0.92)), metric="val_accuracy")
    assert len(from_file(csv(text.format(1.5)), metric="val_accuracy").runs) == 3
    assert from_file(csv("a,loss\n0,0.3\n1,0.2\n"), metric="loss").factors == {"a": ("0", "1")}


def test_without_noise_there_is_no_interval(csv):
    tables = ["0,0,90\n1,0,91\n0,1,92\n1,1,93\n", "0,0,0.1\n1,0,90.1\n0,1,0.3\n1,1,93\n" * 3]
    for rows in tables:
        answer = to_json(analyze(from_file(csv(f"C,Q(x),accuracy\n{rows}"))))
        for effect in answer["effects"]:
            assert effect["ci_low"] is None
            assert effect["p_adjusted"] is None
            assert effect["verdict"] == "undecided"
            assert "the noise cannot be estimated" in effect["reason"]
        assert answer["sigma"] == 0


def test_an_unknown_state_is_named(csv):
    with pytest.raises(BadInput, match=r"line 2.*unknown state 'Gone'; known: ok, done"):
        from_file(csv("a,status,accuracy\n0,Gone,90\n1,completed,91\n"))


def test_levels_that_differ_in_case_are_one(csv):
    found = from_file(csv("a,accuracy\noff,90\nOff,91\nON,92\non,93\n"))
    assert found.factors == {"a": ("off", "ON")}
    assert found.notes == ("Column a: levels that differ only in case are merged: off, ON.",)


def test_a_column_of_remarks_is_no_factor(csv):
    rows = "0,good,90\n1,looks odd,91\n0,again,92\n1,4,93\n"
    found = from_file(csv(f"a,remark,accuracy\n{rows}"))
    assert list(found.factors) == ["a"]
    assert "--factors" in found.notes[0]
    path = csv("a,b,accuracy\nx,p,90\ny,q,91\nz,r,92\n")
    with pytest.raises(BadInput, match="columns a, b are different in every row"):
        from_file(path)
    assert list(from_file(path, ["a"]).factors) == ["a"]


def test_an_unnamed_column_is_an_index(csv):
    assert list(from_file(csv(",a,accuracy\n0,0,90\n1,1,91\n")).factors) == ["a"]


def test_blocks_that_python_would_read_as_one_number_stay_as_they_are(csv):
    found = from_file(csv("blocks,accuracy\n3_4_6_3,90\n34_63,91\n3_4_6_3,92\n34_63,93\n"))
    assert found.factors == {"blocks": ("3_4_6_3", "34_63")}


def test_long_numbers_are_no_other_numbers(csv):
    found = from_file(csv("batch,accuracy\n20240101120000,90\n20240101120001,91\n"))
    assert found.factors == {"batch": ("20240101120000", "20240101120001")}


@pytest.mark.parametrize("levels", [("1", "-1", "0"), ("mixup", "0", "cutmix")])
def test_zero_is_the_reference_among_negative_numbers_and_among_words(csv, levels):
    rows = "".join(f"{level},{90 + i}\n" for i, level in enumerate(levels))
    assert from_file(csv(f"shift,accuracy\n{rows}")).factors["shift"][0] == "0"


@pytest.mark.parametrize("metric", ["accuracy_drop", "acc_rank", "neg_log_loss", "error_reduction"])
def test_a_word_that_turns_a_metric_round_leaves_its_direction_open(metric):
    assert named(metric).larger_is_better is None
    assert not named(metric).share
