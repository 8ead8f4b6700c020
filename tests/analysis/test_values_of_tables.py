"""Files, numbers, names and ids in tables of runs."""

import json

import pandas as pd
import pytest
from tracker_tables import RUNS, effect, written

from runner.analysis.analyze import analyze
from runner.analysis.data.runs_file import from_file, from_frame
from runner.analysis.to_json import to_json
from tricks.errors import BadInput


@pytest.mark.parametrize("kind", ["jsonl", "json", "columns.json", "txt", "parquet"])
def test_other_files_hold_the_same_runs(tmp_path, kind):
    rows = [{"mixup": bool(m), "seed": s, "accuracy": a} for m, s, a in RUNS]
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        pd.DataFrame(rows).to_parquet(path)
    elif kind == "columns.json":
        path.write_text(json.dumps({key: [row[key] for row in rows] for key in rows[0]}))
    else:
        path.write_text(json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows)))
    assert effect(from_file(path)).effect == pytest.approx(2)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", '{"a": 0, "accuracy": 90}\n{"a": 1, "accuracy"\n', "line 2: not readable JSON"),
        ("t.json", "[1, 2]", "this JSON is no table"),
        ("t.json", '{"a": [0, 1], "accuracy": [90]}', "differ in length"),
        ("t.jsonl", '{"a": 0, "accuracy": 90}\n{"a": 1, "accuracy": "x"}\n',
         "line 2, column 'accuracy': 'x' is no number"),
        ("t.parquet", "no parquet", "not a readable parquet file"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(tmp_path, name, text, said):
    with pytest.raises(BadInput, match=said):
        from_file(written(tmp_path, text, name))


def test_per_cent_signs_are_read(tmp_path):
    rows = "".join(f"{m},{s},{a}%\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"mixup,seed,accuracy\n{rows}"))
    assert effect(found).effect == pytest.approx(2)
    below = from_file(written(tmp_path, "mixup,accuracy\n0,0.5%\n1,0.7%\n"))
    assert below.runs["accuracy"].tolist() == [0.5, 0.7]


@pytest.mark.parametrize("odd", ["0.925", "0.91"])
def test_a_fraction_beside_per_cents_is_refused(tmp_path, odd):
    rows = "".join(f"{m},{s},{a}\n" for m, s, a in RUNS)
    with pytest.raises(BadInput, match=f"line 10.*{odd} looks like a fraction beside"):
        from_file(written(tmp_path, f"mixup,seed,accuracy\n{rows}1,9,{odd}\n"))
    with pytest.raises(BadInput, match="a fraction without a per cent sign"):
        from_file(written(tmp_path, f"mixup,accuracy\n0,90%\n1,{odd}\n"))


@pytest.mark.parametrize("collapsed", ["0.1", "1.0", "1"])
def test_an_arm_at_chance_is_no_fraction(tmp_path, collapsed):
    rows = "".join(f"{m},{s},{a}\n" for m, s, a in RUNS)
    found = from_file(written(tmp_path, f"mixup,seed,accuracy\n{rows}1,9,{collapsed}\n"))
    assert found.runs["accuracy"].min() == float(collapsed)


def test_a_per_cent_sign_beside_plain_numbers_is_refused_for_any_metric(tmp_path):
    path = written(tmp_path, "mixup,f1\n0,93.5%\n0,93.7%\n1,0.951\n1,0.953\n")
    with pytest.raises(BadInput, match=r"line 4, column 'f1': .* per cent sign"):
        from_file(path, metric="f1")


def test_a_measurement_in_per_cent_signs_is_no_factor(tmp_path):
    shares = [30 + 0.7 * max(i, 1) for i in range(16)]  # of 16 rows, only two have the same share
    rows = "".join(f"{m},{a},{x:.1f}%\n" for (m, _, a), x in zip(RUNS * 2, shares, strict=True))
    found = from_file(written(tmp_path, f"mixup,accuracy,recall_b\n{rows}"))
    assert effect(found).effect == pytest.approx(2)


def test_numbers_beside_words_are_one_level(tmp_path):
    rows = "none,90\nnone,91\n0.1,92\n0.10,93\n1e-1,92.5\n"
    assert from_file(written(tmp_path, f"wd,accuracy\n{rows}")).factors == {"wd": ("none", "0.1")}


def test_a_known_name_tells_its_direction(tmp_path):
    rows = "".join(f"{m},{s},{a / 100}\n" for m, s, a in RUNS)
    experiment = from_file(written(tmp_path, f"mixup,seed,nll\n{rows}"), metric="nll")
    assert to_json(analyze(experiment, "nll"))["effects"][0]["verdict"] == "hurts"


@pytest.mark.parametrize("column", ["id", "run_id", "ID", "trial_id"])
def test_a_run_that_a_table_names_twice_is_refused_with_its_rows(tmp_path, column):
    rows = "".join(f"r{i},{m},{s},{a}\n" for i, (m, s, a) in enumerate(RUNS))
    head = f"{column},mixup,seed,accuracy\n"
    assert effect(from_file(written(tmp_path, head + rows))).effect == pytest.approx(2)
    again = rows + "r3,0,3,90.3\n" * 2
    with pytest.raises(BadInput, match=rf"t\.csv: rows 5, 10 and 11 have the same {column}, r3"):
        from_file(written(tmp_path, head + again))


def test_an_id_of_two_stages_a_blank_one_and_one_that_failed_first_are_no_repeats(tmp_path):
    rows = [f"r{i},ok,{m},{s},{a}" for i, (m, s, a) in enumerate(RUNS)]
    rows += ["r3,failed,0,3,", ",ok,0,8,90.1", ",ok,1,8,92.1"]
    path = written(tmp_path, "id,state,mixup,seed,accuracy\n" + "\n".join(rows) + "\n")
    assert len(from_file(path).runs) == 11
    frame = pd.DataFrame({"id": list("aabb"), "stage": ["fixed", "tuned"] * 2,
                          "mixup": [0, 0, 1, 1], "accuracy": [90, 91, 92, 93]})  # fmt: skip
    assert len(from_frame(frame, factors=["mixup"]).runs) == 4
