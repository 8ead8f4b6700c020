"""predict: classes and probabilities of images by a saved model, as a table."""

import shutil

import numpy as np
import pytest

from tests.cli.saved_models import rows_of


def test_predictions_of_a_folder_a_csv_and_a_task_agree(cli, kept, pictures, tmp_path):
    id = kept[0]["id"]
    assert cli("predict", id, "--data", "digits", "-o", "task.csv").code == 0
    told = cli("predict", id, "--data", pictures, "-o", "folder.csv", "--json").json
    assert told["images"] == 40
    listed = sorted(path.relative_to(tmp_path).as_posix() for path in pictures.rglob("*.png"))
    (tmp_path / "list.csv").write_text("\n".join(["file", *listed]) + "\n")
    assert cli("predict", id, "--data", "list.csv", "-o", "csv.csv").code == 0
    task, folder, table = (rows_of(tmp_path / f"{n}.csv") for n in ("task", "folder", "csv"))
    assert list(task[0]) == ["path", "class", "probability", *(f"p_{i}" for i in range(10))]
    assert [row["path"] for row in table] == listed
    by_number = {int(row["path"][-6:-4]): row for row in folder}
    for i in range(40):
        numbers = [float(by_number[i][f"p_{k}"]) for k in range(10)]
        wanted = [float(task[i][f"p_{k}"]) for k in range(10)]
        np.testing.assert_allclose(numbers, wanted, rtol=1e-4, atol=1e-7)
        assert by_number[i]["class"] == str(int(np.argmax(numbers)))
        assert sum(numbers) == pytest.approx(1, abs=1e-4)


def test_names_that_a_spreadsheet_would_run(cli, kept, pictures, tmp_path):
    (pictures / "0").rename(pictures / "=cmd()")
    assert cli("predict", kept[0]["id"], "--data", pictures, "-o", "out.csv").code == 0
    paths = [row["path"] for row in rows_of(tmp_path / "out.csv")]
    assert any(path.startswith("'=cmd()/") for path in paths)
    assert not any(path.startswith(("=", "+", "-", "@")) for path in paths)


def test_what_cannot_be(cli, kept, pictures, tmp_path):
    id = kept[0]["id"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no image")
    (tmp_path / "strange" / "dog").mkdir(parents=True)
    shutil.copy(next(pictures.rglob("*.png")), tmp_path / "strange" / "dog")
    (tmp_path / "gone.csv").write_text("path,label\nnowhere.png,1\n")
    (tmp_path / "foreign.safetensors").write_bytes(b"foreign")
    for line, told in [
        (f"predict {id} --data nowhere -o a.csv", "there is no such folder, CSV or task"),
        (f"predict {id} --data empty -o a.csv", "no images in it"),
        (f"predict {id} --data broken -o a.csv", "a.png: cannot be read as an image"),
        (f"predict {id} --data gone.csv -o a.csv", "gone.csv, line 2: there is no image"),
        (f"predict {id} --data digits -o no/a.csv", "there is no folder no"),
        (f"predict {id} --data digits -o empty", "empty is a folder"),
        (f"predict {id} --data digits", "missing option"),
        (f"predict {id} --data digits -o a.csv --tta mixup", "--tta mixup: choose flip, shift"),
        (f"predict {id} --data digits -o a.csv --tta flop", "unknown trick 'flop'"),
        (f"predict {id} --data digits -o a.csv --device cuda:9", "--device"),
        ("predict foreign.safetensors --data digits -o a.csv", "foreign"),
        ("predict nowhere.safetensors --data digits -o a.csv", "there is no model"),
        (f"predict {kept[2]['id']} --data digits -o a.csv", "has no saved model"),
        ("predict smal --data digits -o a.csv", "did you mean small?"),
        ("predict 0123456789abcdef --data digits -o a.csv", "unknown run"),
        ("predict --data digits -o a.csv", "missing argument"),
        (f"evaluate {id} --data strange", "unknown class 'dog'"),
        (f"evaluate {id} --data empty", "no folders in it"),
        (f"evaluate {id} --data gone.csv", "there is no image"),
        (f"evaluate {id} --data digits --out gone.csv", "is a file: name a folder"),
        (f"evaluate {id} --data fashion-mnist", "FashionMNIST is missing"),
    ]:
        result = cli(*line.split())
        assert result.code == 2, line
        assert told in result.err, (line, result.err)
        assert result.err.count("\n") == 1, (line, result.err)
    assert not (tmp_path / "a.csv").exists()


def test_the_predictions_as_a_competition_wants_them(cli, kept, pictures, tmp_path):
    line = ("predict", kept[0]["id"], "--data", pictures, "-o")
    assert cli(*line, "usual.csv").code == 0
    usual = rows_of(tmp_path / "usual.csv")
    done = cli(*line, "own.csv", "--columns", "id=stem, label=class,number,sure=probability,p_3")
    assert done.code == 0, done.err
    own = rows_of(tmp_path / "own.csv")
    assert list(own[0]) == ["id", "label", "number", "sure", "p_3"]
    for row, plain in zip(own, usual, strict=True):
        assert row["id"] == plain["path"].split("/")[-1].removesuffix(".png")
        assert row["label"] == row["number"] == plain["class"]  # digits: the class is its number
        assert (row["sure"], row["p_3"]) == (plain["probability"], plain["p_3"])
    assert cli(*line, "each.csv", "--columns", "name,=probabilities").code == 0
    each = rows_of(tmp_path / "each.csv")
    assert list(each[0]) == ["name", *map(str, range(10))]
    assert [row["7"] for row in each] == [row["p_7"] for row in usual]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("id=stam", "unknown value 'stam': did you mean stem"), ("a=path,a=name", "called 'a'"),
        ("p_11", "unknown value 'p_11'"), ("path,,class", "unknown value ''"),
    ],
)  # fmt: skip
def test_columns_that_cannot_be(cli, kept, pictures, columns, message):
    done = cli("predict", kept[0]["id"], "--data", pictures, "-o", "x.csv", "--columns", columns)
    assert done.code == 2
    assert message in done.err
