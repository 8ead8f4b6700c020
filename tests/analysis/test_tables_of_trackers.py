"""Tables as W&B, MLflow, TensorBoard, Optuna and Ray export them."""

import json
import math

import pandas as pd
import pytest
from tracker_tables import RUNS, effect, written

from runner.analysis.data.runs_file import from_file, from_frame
from tricks.errors import BadInput


@pytest.mark.parametrize(
    ("finished", "crashed"),
    [("finished", "crashed"), ("FINISHED", "KILLED"), ("COMPLETE", "FAIL"), ("Completed", "ERROR"),
     ("SUCCEEDED", "Node Fail"), ("done", "aborted"), ("ok", "OUT_OF_MEMORY")],
)  # fmt: skip
@pytest.mark.parametrize("column", ["State", "status", "STATUS"])
def test_a_run_that_did_not_finish_is_no_result(tmp_path, column, finished, crashed):
    rows = "".join(f"r{i},{finished},{m},{s},{a}\n" for i, (m, s, a) in enumerate(RUNS))
    path = written(tmp_path, f"Name,{column},mixup,Seed,accuracy\n{rows}r9,{crashed},1,9,12.5\n")
    found = from_file(path)
    assert effect(found).effect == pytest.approx(2)
    assert any("1 " + crashed.lower().replace(" ", "_") in note for note in found.notes)


def test_a_run_that_goes_on_is_left_out(tmp_path):
    rows = "".join(f"finished,{m},{s},{a}\n" for m, s, a in RUNS)
    path = written(tmp_path, f"State,mixup,seed,accuracy\n{rows}running,1,9,12.5\n")
    found = from_file(path)
    assert len(found.runs) == 8
    assert "1 rows of unfinished runs (running) are left out." in found.notes
    with pytest.raises(BadInput, match="no run has ended yet"):
        from_file(written(tmp_path, "state,mixup,accuracy\nrunning,0,90\npending,1,91\n"))


def test_the_table_of_wandb(tmp_path):
    head = "Name,State,Notes,User,Tags,Created,Runtime,Sweep,lr,mixup,seed,_step,_runtime,acc,loss"
    rows = "".join(
        f'brave-{i},finished,-,me,"a, b",2024-01-0{i + 1}T00:00:00.000Z,{100 + i},,0.1,{bool(m)},'
        f"{s},{1000 + i},{99.5 + i},{a},{0.3 + i / 100}\n"
        for i, (m, s, a) in enumerate(RUNS)
    )
    found = from_file(written(tmp_path, f"{head}\n{rows}"), metric="acc")
    assert effect(found, "acc").effect == pytest.approx(2)


def test_the_runs_of_wandbs_api_hold_objects_in_cells(tmp_path):
    frame = pd.DataFrame(
        {
            "summary": [{"accuracy": a, "_step": 9, "loss": 0.1 * a} for _, _, a in RUNS],
            "config": [{"mixup": bool(m), "seed": s, "lr": 0.1} for m, s, _ in RUNS],
            "name": [f"r{i}" for i in range(8)],
        }
    )
    frame.to_csv(tmp_path / "project.csv")
    assert effect(from_file(tmp_path / "project.csv")).effect == pytest.approx(2)


def test_the_search_of_mlflow(tmp_path):
    frame = pd.DataFrame(
        {
            "run_id": [f"{i:032x}" for i in range(8)], "experiment_id": "0", "status": "FINISHED",
            "start_time": pd.date_range("2024-01-01", periods=8, tz="UTC"),
            "metrics.accuracy": [a for _, _, a in RUNS],
            "metrics.loss": [0.1 * a for *_, a in RUNS],
            "params.mixup": [str(bool(m)) for m, _, _ in RUNS],
            "params.seed": [str(s) for _, s, _ in RUNS], "tags.mlflow.user": "me",
            "tags.note": ["x", "y"] * 4,
        }
    )  # fmt: skip
    for metric in ("accuracy", "metrics.accuracy"):
        assert effect(from_frame(frame, metric=metric), metric).effect == pytest.approx(2)
    frame.to_csv(tmp_path / "runs.csv", index=False)
    assert effect(from_file(tmp_path / "runs.csv", ["params.mixup"])).effect == pytest.approx(2)


def test_the_rest_answer_of_mlflow(tmp_path):
    runs = [
        {
            "info": {"run_id": f"{i}", "status": "FINISHED"},
            "data": {
                "metrics": [{"key": "accuracy", "value": a, "step": 3}],
                "params": [{"key": "mixup", "value": str(m)}, {"key": "seed", "value": str(s)}],
            },
        }
        for i, (m, s, a) in enumerate(RUNS)
    ]
    path = written(tmp_path, json.dumps({"runs": runs}), "runs.json")
    assert effect(from_file(path)).effect == pytest.approx(2)


def test_a_failed_run_in_the_rest_answer_of_mlflow_is_no_result(tmp_path):
    runs = [
        {
            "info": {"run_id": f"{i}", "status": "FINISHED" if a < 95 else "FAILED"},
            "data": {
                "metrics": [{"key": "accuracy", "value": a}],
                "params": [{"key": "mixup", "value": str(m)}, {"key": "seed", "value": str(s)}],
            },
        }
        for i, (m, s, a) in enumerate([*RUNS, (1, 9, 99.9)])
    ]
    found = from_file(written(tmp_path, json.dumps(runs), "runs.json"))
    assert effect(found).effect == pytest.approx(2)
    assert effect(found).runs == 8


def test_a_run_that_failed_has_no_per_cent_sign(tmp_path):
    rows = "".join(f"{s},{m},{a}%,ok\n" for m, s, a in RUNS) + "9,on,,failed\n"
    found = from_file(written(tmp_path, f"seed,mixup,f1,state\n{rows}"), metric="f1")
    assert len(found.runs) == len(RUNS) + 1


@pytest.mark.parametrize("name", ["drop_path", "init_std", "lora_rank"])
def test_a_setting_with_a_word_of_metrics_is_a_factor_of_a_small_table(tmp_path, name):
    rows = "".join(f"0.{n}5,{80 + n}.1\n" for n in range(4))
    assert list(from_file(written(tmp_path, f"{name},accuracy\n{rows}")).factors) == [name]


def test_the_epoch_of_a_setting_is_no_epoch_of_a_history(tmp_path):
    rows = "".join(f"{e},{r},{80 + e + r / 7:.2f}\n" for e in (5, 8) for r in range(3))
    found = from_file(written(tmp_path, f"swa_epoch,run,accuracy\n{rows}"))
    assert (len(found.runs), list(found.factors)) == (6, ["swa_epoch"])


def test_a_diverged_runs_nan_does_not_hide_the_config_of_all(tmp_path):
    frame = pd.DataFrame(
        {
            "summary": [{"accuracy": a, "loss": float("nan"), "low": -math.inf} for *_, a in RUNS],
            "config": [{"mixup": bool(m), "seed": s} for m, s, _ in RUNS],
        }
    )
    frame.to_csv(tmp_path / "project.csv")
    assert effect(from_file(tmp_path / "project.csv")).effect == pytest.approx(2)


def test_an_index_that_numbers_the_rows_of_a_frame_is_no_factor():
    frame = pd.DataFrame(RUNS, columns=["mixup", "seed", "accuracy"]).rename_axis("row")
    assert list(from_frame(frame).factors) == ["mixup"]


def test_settings_in_the_index_of_a_frame_are_read():
    frame = pd.DataFrame(RUNS, columns=["mixup", "seed", "accuracy"]).set_index(["mixup", "seed"])
    found = from_frame(frame)
    assert effect(found).effect == pytest.approx(2)
    assert "seed" in found.runs
    both = from_frame(frame.reset_index().set_index("mixup", drop=False))
    assert effect(both).effect == pytest.approx(2)


def test_a_setting_with_the_name_of_a_metric_is_told(tmp_path):
    rows = "".join(f"{('ce', 'bce')[s % 2]},{m},{a}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"loss,mixup,accuracy\n{rows}"))
    assert any("Column loss is no factor" in note and "loss_fn" in note for note in found.notes)


def test_a_blank_column_is_no_factor(tmp_path):
    rows = "".join(f"{m},,{a}\n" for m, _, a in RUNS)
    found = from_file(written(tmp_path, f"mixup,lr.desc,accuracy\n{rows}"))
    assert effect(found).effect == pytest.approx(2)


def test_the_trials_of_optuna(tmp_path):
    rows = "".join(
        f"{i},{a},2024-01-0{i + 1} 00:00:00,{m},{s},COMPLETE\n" for i, (m, s, a) in enumerate(RUNS)
    )
    head = "number,value,datetime_start,params_mixup,params_seed,state\n"
    found = from_file(written(tmp_path, head + rows), metric="value")
    assert effect(found, "value").verdict == "raises", "nobody told whether more is better"


def test_curves_without_settings_are_told(tmp_path):
    curve = written(tmp_path, "Wall time,Step,Value\n1.0,0,0.5\n2.0,1,0.6\n")
    with pytest.raises(BadInput, match="export the table of its HPARAMS page"):
        from_file(curve, metric="Value")
    chart = written(tmp_path, "Step,a - acc,a - acc__MIN,a - acc__MAX\n0,1,1,1\n1,2,2,2\n")
    with pytest.raises(BadInput, match="export the table of runs"):
        from_file(chart, metric="a - acc")


def test_rows_of_one_value_each_are_read_as_tensorboard_writes_them():
    rows = [
        {"run": f"r{i}", "mixup": m, "tag": tag, "step": step, "value": value, "wall_time": step}
        for i, (m, _, a) in enumerate(RUNS)
        for step in range(3)
        for tag, value in (("accuracy", a - 20 + 10 * step), ("loss", 0.1 * step))
    ]
    found = from_frame(pd.DataFrame(rows))
    assert len(found.runs) == 8
    assert effect(found).effect == pytest.approx(2)


def histories(head, row, metric=lambda a, e: a - 30 + 10 * e):
    lines = [head]
    for i, (m, s, a) in enumerate(RUNS):
        lines += [row.format(i=i, e=e, m=m, s=s, a=metric(a, e), x=0.1 * 0.5**e) for e in range(4)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("run,epoch,mixup,seed,accuracy", "{i},{e},{m},{s},{a:.2f}"),
        ("Name,Epoch,mixup,accuracy", "r{i},{e},{m},{a:.2f}"),
        ("epoch,mixup,seed,accuracy", "{e},{m},{s},{a:.2f}"),
        ("run,ep,mixup,seed,accuracy", "{i},{e},{m},{s},{a:.2f}"),
        ("run_id,train/epoch,mixup,seed,accuracy", "{i},{e},{m},{s},{a:.2f}"),
        ("run,epoch,mixup,seed,lr,accuracy", "{i},{e},{m},{s},{x},{a:.2f}"),
        ("run_id,_step,mixup,train_loss,accuracy", "{i},{e},{m},{x},{a:.2f}"),
        ("run,epoch,mixup,accuracy", "{s},{e},{m},{a:.2f}"),  # run: the number of the replicate
    ],
)
def test_rows_that_are_epochs_are_no_runs(tmp_path, head, row):
    found = from_file(written(tmp_path, histories(head, row)))
    assert len(found.runs) == 8
    assert effect(found).effect == pytest.approx(2)
    assert any("Rows are epochs: 32 rows are 8 runs" in note for note in found.notes)


def test_epochs_out_of_order_and_values_that_some_rows_lack(tmp_path):
    lines = histories("run,epoch,mixup,seed,accuracy", "{i},{e},{m},{s},{a:.2f}").splitlines()
    lines += [f"{i},4,{m},{s}," for i, (m, s, _) in enumerate(RUNS)]
    found = from_file(written(tmp_path, "\n".join([lines[0], *lines[:0:-1]])))
    assert effect(found).effect == pytest.approx(2)
    assert sorted(found.runs["accuracy"]) == sorted(round(a, 2) for *_, a in RUNS)


def test_the_best_epoch_goes_by_validation(tmp_path):
    head = "run,epoch,mixup,seed,accuracy,val_accuracy"
    text = histories(head, "{i},{e},{m},{s},{a:.2f},{a:.2f}", lambda a, e: a - e)
    path = written(tmp_path, text)
    best = from_file(path, epoch="best")
    assert sorted(best.runs["accuracy"]) == sorted(round(a, 2) for *_, a in RUNS)
    assert any("its best by val_accuracy counts" in note for note in best.notes)
    last = from_file(path)
    assert sorted(last.runs["accuracy"]) == sorted(round(a - 3, 2) for *_, a in RUNS)
    chosen = from_file(path, metric="val_accuracy", epoch="best")
    assert any("which favours luck" in note for note in chosen.notes)
    bare = written(tmp_path, histories("run,epoch,mixup,seed,accuracy", "{i},{e},{m},{s},{a:.2f}"))
    with pytest.raises(BadInput, match="best needs a validation column"):
        from_file(bare, epoch="best")


def test_epochs_of_runs_that_nothing_tells_apart(tmp_path):
    rows = "".join(f"{e},{m},{80 + e}\n" for m in (0, 1) for _ in range(3) for e in range(4))
    with pytest.raises(BadInput, match="no column identifies the runs: add a column `run`"):
        from_file(written(tmp_path, f"epoch,mixup,accuracy\n{rows}"))


def test_the_last_epoch_of_each_run_is_a_run_and_no_factor(tmp_path):
    rows = "".join(f"{10 + i},{m},{s},{a}\n" for i, (m, s, a) in enumerate(RUNS))
    found = from_file(written(tmp_path, f"epoch,mixup,seed,accuracy\n{rows}"))
    assert (len(found.runs), list(found.factors)) == (8, ["mixup"])
