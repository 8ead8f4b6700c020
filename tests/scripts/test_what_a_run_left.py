"""Metrics, curves, predictions and config files of a run, read and written."""

import base64
import json
import math
import tomllib

import numpy as np
import pytest

from runner.records.script_toml import Script, ScriptCurves, ScriptMetric
from runner.scripts import metrics
from runner.scripts.config_file import changed_copy
from runner.scripts.curves import Curves
from runner.scripts.metrics import Printed
from runner.scripts.predictions import correct
from tricks.errors import BadInput

SUMMARY = "epoch,eval_top1,eval_loss\n0,71.5,1.2\n1,80.25,0.9\n2,79.5,1.0\n"


def read(out, printed=(), **metric):
    script = Script(run="t", metrics={"m": ScriptMetric(**metric)})
    metrics.check(script)
    lines = Printed.of(script)
    for line in printed:
        lines.take(line)
    return metrics.read(script, out, lines)["m"]


@pytest.fixture
def out(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep/er/summary.csv").write_text(SUMMARY)
    (tmp_path / "result.json").write_text(json.dumps({"a": {"b": [1, 93.5]}, "t": "x", "n": None}))
    rows = [{"test": {"acc": 0.9}}, {"test": {"acc": 0.95}}, {"other": 1}]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "log.txt").write_text("top1: 1.0\ntop1: 91.5\n")
    return tmp_path


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ({"file": "{out}/**/summary.csv", "column": "eval_top1"}, 79.5),
        ({"file": "{out}/**/summary.csv", "column": "eval_top1", "take": "max"}, 80.25),
        ({"file": "{out}/**/summary.csv", "column": "eval_loss", "take": "min"}, 0.9),
        ({"file": "{out}/result.json", "key": "a.b.1"}, 93.5),
        ({"file": "{out}/log.jsonl", "key": "test.acc", "scale": 100}, 95.0),
        ({"file": "{out}/log.txt", "pattern": "top1: ([0-9.]+)"}, 91.5),
        ({"pattern": r"top1: (\S+)"}, 92.0),
        ({"pattern": r"top1: (\S+)", "take": "min"}, 3.0),
    ],
)
def test_a_metric_is_read_from_where_it_is(out, metric, value):
    assert read(out, ["top1: 3", "top1: nan", "top1: 92"], **metric) == pytest.approx(value)


def test_a_byte_order_mark_is_no_part_of_a_name(out):
    for name, text in (("a.csv", "top1,n\n90,\n"), ("a.json", '{"top1": 90}')):
        (out / name).write_text(text, encoding="utf-8-sig")
        kind = "column" if name == "a.csv" else "key"
        assert read(out, file=f"{{out}}/{name}", **{kind: "top1"}) == 90
    (out / "predictions.csv").write_text("image,label,predicted\na,1,1\nb,1,1", "utf-8-sig")
    assert correct(out, 100.0)["test_images"] == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch,top1\n0,91\n1,91,5\n", "s.csv, line 3: more cells than columns"),
        ("top1,top1\n91,92\n", "s.csv has two columns called 'top1'"),
    ],
)
def test_a_table_whose_cells_do_not_fit_is_refused(out, text, said):
    (out / "s.csv").write_text(text)
    with pytest.raises(BadInput, match=said):
        read(out, file="{out}/s.csv", column="top1")


def test_a_long_json_and_commas_at_the_end_of_rows_are_read(out):
    (out / "long.json").write_text(json.dumps({"log": "x" * 200_000, "top1": 90}))
    assert read(out, file="{out}/long.json", key="top1") == 90
    (out / "predictions.csv").write_text("image,label,predicted\na,1,1,\nb,1,1,\n")
    assert correct(out, 100.0)["test_images"] == 2


@pytest.mark.parametrize("row", ["c,1", "c,1,1,1"])
def test_predictions_whose_cells_do_not_fit_are_refused(tmp_path, row):
    (tmp_path / "predictions.csv").write_text(f"image,label,predicted\na,1,1\n{row}\n")
    with pytest.raises(BadInput, match=r"predictions.csv, line 3: its cells do not fit"):
        correct(tmp_path, None)


def test_a_metric_that_is_not_a_number_any_more_is_a_divergence(out):
    assert math.isnan(read(out, ["loss: 1", "loss: nan"], pattern=r"loss: (\S+)"))


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({"file": "{out}/summary.csv", "column": "x"},
         "there is no file {out}/summary.csv; in {out} are deep/er/summary.csv, log.jsonl"),
        ({"file": "{out}/**/summary.csv", "column": "top1"},
         "has no column 'top1' with a value; it has epoch, eval_top1, eval_loss"),
        ({"file": "{out}/result.json", "key": "z"}, "has no key 'z' with a value; it has a.b.0"),
        ({"file": "{out}/result.json", "key": "t"}, "'x' is no number"),
        ({"file": "{out}/result.json", "key": "n"}, "no key 'n' with a value"),
        ({"file": "{out}/log.txt", "pattern": "acc: ([0-9.]+)"}, "nothing in log.txt matches"),
        ({"pattern": "acc: ([0-9.]+)"}, "nothing in the output matches 'acc: ([0-9.]+)'"),
    ],
)  # fmt: skip
def test_a_metric_that_is_not_there_is_said_with_what_is(out, metric, said):
    with pytest.raises(BadInput) as told:
        read(out, **metric)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({}, "needs one of key, column and pattern"),
        ({"key": "a", "pattern": "(b)"}, "needs one of key, column and pattern"),
        ({"key": "a"}, "key needs a file"),
        ({"pattern": "(a"}, "is not a regular expression"),
        ({"pattern": "a"}, "needs one group"),
        ({"pattern": "(a)", "scale": 0}, "scale must be a number other than 0"),
    ],
)
def test_a_metric_that_could_not_be_read(metric, said):
    with pytest.raises(BadInput) as told:
        metrics.check(Script(run="t", metrics={"m": ScriptMetric(**metric)}))
    assert said in str(told.value)


def test_curves_are_those_of_the_columns_named(out):
    asked = ScriptCurves(
        file="{out}/**/summary.csv", epoch="epoch", val_accuracy="eval_top1", val_loss="eval_loss"
    )
    curves = Curves(asked, out)
    first = {"epoch": 1, "val_accuracy": 71.5, "val_loss": 1.2}
    assert curves.all()[0] == first
    (out / "deep/er/summary.csv").write_text(SUMMARY[: SUMMARY.index("1,80") + 6])
    live = Curves(asked, out)
    assert live.fresh() == [first]  # not the line that is half written
    (out / "deep/er/summary.csv").write_text(SUMMARY)
    assert [found["epoch"] for found in live.fresh()] == [2, 3]
    assert live.fresh(ended=True) == []


def test_predictions_become_a_bit_an_image(tmp_path):
    rows = ["c,1,1", "a,0,1", "b,0,0", "d,2,2"]
    (tmp_path / "predictions.csv").write_text("image,label,predicted\n" + "\n".join(rows))
    found = correct(tmp_path, 75.04)
    assert (found["test_images"], found["test_accuracy"]) == (4, 75.0)
    packed = np.frombuffer(base64.b64decode(found["correct"]), np.uint8)
    assert np.unpackbits(packed, count=4).tolist() == [0, 1, 1, 1]  # a, b, c, d
    assert correct(tmp_path / "elsewhere", 75.0) == {}
    with pytest.raises(BadInput, match=r"75\.00 % correct, but the metric says 80\.00 %"):
        correct(tmp_path, 80.0)
    (tmp_path / "predictions.csv").write_text("image,label\na,1\n")
    with pytest.raises(BadInput, match="has no column predicted"):
        correct(tmp_path, 80.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.yaml", "train:\n  lr: 0.1\n  steps: [1, 2]\nname: x\n"),
        ("c.json", '{"train": {"lr": 0.1, "steps": [1, 2]}, "name": "x"}'),
        ("c.toml", 'name = "x"\n[train]\nlr = 0.1\nsteps = [1, 2]\n'),
    ],
)
def test_a_config_is_copied_with_its_changes(tmp_path, name, text):
    import yaml

    (tmp_path / name).write_text(text)
    (tmp_path / "into").mkdir()
    changes = {"train.lr": "0.5", "train.steps.1": "7", "new.flag": "true", "name": "a b: c"}
    copy = changed_copy(tmp_path / name, changes, tmp_path / "into")
    load = {".yaml": yaml.safe_load, ".json": json.loads, ".toml": tomllib.loads}[copy.suffix]
    assert load(copy.read_text())["train"] == {"lr": 0.5, "steps": [1, 7]}
    assert load(copy.read_text())["new"] == {"flag": True}
    assert (tmp_path / name).read_text() == text
    with pytest.raises(BadInput, match=r"config:name\.x: .* has no place for this key"):
        changed_copy(tmp_path / name, {"name.x": "1"}, tmp_path / "into")
