"""evaluate: the figures of a saved model on labelled images agree with its record."""

import base64
import dataclasses

import numpy as np
import pytest

from runner.records.spec import RunSpec
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tests.cli.saved_models import rows_of
from tricks import resolve


def test_evaluation_is_the_record_s(cli, kept, tmp_path):
    record = kept[0]
    told = cli("evaluate", record["id"][:10], "--data", "digits", "--json").json
    assert told["runs"] == [record["id"]]
    assert told["accuracy"] == pytest.approx(record["test_accuracy"])
    right = np.unpackbits(np.frombuffer(base64.b64decode(record["correct"]), np.uint8))[:700]
    assert sum(told["confusion"][i][i] for i in range(10)) == right.sum()
    assert told["loss"] == pytest.approx(record["test_loss"], rel=1e-5)
    assert sum(map(sum, told["confusion"])) == told["images"] == record["test_images"]
    assert sum(item["images"] for item in told["classes"]) == 700


def test_evaluation_as_files(cli, kept, tmp_path):
    done = cli("evaluate", kept[0]["id"], "--data", "digits", "--out", "out")
    assert done.code == 0, done.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "evaluation.md", "classes.csv", "confusion.csv", "confusion.png", "confusion.svg",
    }  # fmt: skip
    matrix = rows_of(tmp_path / "out" / "confusion.csv")
    right = sum(int(row[row["class"]]) for row in matrix)
    assert right == round(7 * kept[0]["test_accuracy"])
    assert f"{kept[0]['test_accuracy']:.2f} %" in (tmp_path / "out" / "evaluation.md").read_text()


def test_labelled_folders_and_tables(cli, kept, pictures, tmp_path):
    id = kept[0]["id"]
    folder = cli("evaluate", id, "--data", pictures, "--json").json
    lines = [f"pictures/{p.parent.name}/{p.name},{p.parent.name}" for p in pictures.rglob("*.png")]
    (tmp_path / "list.csv").write_text("\n".join(["path,label", *sorted(lines)]) + "\n")
    table = cli("evaluate", id, "--data", "list.csv", "--json").json
    assert folder["images"] == 40
    assert table["confusion"] == folder["confusion"]
    (tmp_path / "whole").mkdir()
    pictures.rename(tmp_path / "whole" / "test")
    assert cli("evaluate", id, "--data", "whole", "--json").json["confusion"] == folder["confusion"]


def test_several_runs_and_augmentation(cli, kept):
    ids = [record["id"] for record in kept[:2]]
    one, two = (cli("evaluate", id, "--data", "digits", "--json").json["loss"] for id in ids)
    both = cli("evaluate", *ids, "--data", "digits", "--json").json
    assert both["runs"] == ids
    assert both["loss"] <= (one + two) / 2  # -log is convex
    turned = cli("evaluate", ids[0], "--data", "digits", "--tta", "flip", "--json").json
    assert turned["loss"] != pytest.approx(one)
    plain = cli("evaluate", ids[0], "--data", "digits", "--tta", "none", "--json").json
    assert plain["loss"] == pytest.approx(one)


def test_a_model_of_files_sees_them_cut_out_as_in_training(cli, tmp_path):
    """A timm network with class names from folders, tested on its held-out split."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in range(12):
            pixels = draw.integers(0, 255, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "mine" / name / f"{i}.png")
    task = find(f"folder:{tmp_path / 'mine'}")
    baseline = dataclasses.replace(
        task.baseline, model="resnet10t", start="scratch", resolution=32, epochs=1, batch_size=8
    )
    spec = RunSpec(task.identity(None, None), resolve(baseline, task.learning_rates), 0)
    models = tmp_path / "results" / "models"
    work = RecipeRun(task.name, device="cpu", models=str(models))
    record = work(spec.run(), lambda e: None).fields
    file = models / f"{spec.id}.safetensors"
    told = cli("evaluate", file, "--data", task.name, "--json").json
    assert told["accuracy"] == record["test_accuracy"]
    assert told["loss"] == pytest.approx(record["test_loss"], rel=1e-4)
    assert told["notes"] == []
    whole = cli("evaluate", file, "--data", "mine", "--json").json
    assert "was trained on some of these images" in whole["notes"][0]
    assert [item["class"] for item in whole["classes"]] == ["cat", "dog"]
    assert whole["images"] == 24
    assert cli("predict", file, "--data", "mine/cat/0.png", "-o", "one.csv").code == 0
    assert list(rows_of(tmp_path / "one.csv")[0])[-2:] == ["p_cat", "p_dog"]


def test_answers_about_models_have_their_published_types(cli, kept, pictures, tmp_path):
    import msgspec

    from runner.commands.answers.schema import ANSWERS

    id = kept[0]["id"]
    for line in (f"evaluate {id} --data digits", f"predict {id} --data {pictures} -o out.csv"):
        done = cli(*line.split(), "--json")
        [kind] = ANSWERS[line.split()[0]]
        msgspec.convert(done.json, kind, strict=True)
        assert set(done.json) <= {field.encode_name for field in msgspec.structs.fields(kind)}
