"""Saved models at the command line: predict, evaluate, and runs trained again for their weights."""

import base64
import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest

from runner.execution import executor
from runner.execution.events import Summary
from runner.records.models import fault, model_file
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.records.studies import save_study
from runner.records.study_toml import from_mapping
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tests.records.damage import a_model
from tricks import compose, parse, resolve

SMALL = {"epochs": 2, "batch_size": 16}


def trained(root, *tricks, seed=0, models=True):
    """Train a small run in this process and record it in the store at `root`; its record."""
    task = find("digits")
    baseline = dataclasses.replace(task.baseline, **SMALL)
    recipe = resolve(compose(baseline, map(parse, tricks)), task.learning_rates)
    spec = RunSpec(task.identity(None, 128), recipe, seed, tricks)
    folder = str(root / "models") if models else None
    work = RecipeRun("digits", device="cpu", models=folder, best=True)
    found = work(spec.run(), lambda epoch: None)
    outcome = {"state": found.state, **found.fields}
    record = {"id": spec.id, **spec.to_json(), **outcome, "attempt": 1, "error": None}
    Store(root).commit(record, found.predictions)
    return record


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store with a study of two arms, all models saved, and a run that has none."""
    root = tmp_path_factory.mktemp("kept") / "results"
    records = [trained(root), trained(root, "lars"), trained(root, seed=1, models=False)]
    asked = {
        "task": "digits", "grid": "add-one",
        "factors": [{"name": "optimizer", "levels": ["sgd", "lars"]}],
    }  # fmt: skip
    rows = [
        {"id": record["id"], "seed": record["seed"], "optimizer": level}
        for record, level in zip(records[:2], ("sgd", "lars"), strict=True)
    ]
    save_study(Store(root), "small", from_mapping(asked), rows)
    return root, records


@pytest.fixture
def kept(cli, store, tmp_path):
    root, records = store
    shutil.copytree(root, tmp_path / "results")
    return records


@pytest.fixture
def pictures(tmp_path):
    """The first 40 test images of digits as PNGs, one folder per class; some with harmful names."""
    from PIL import Image

    test = find("digits").load(None, None).test
    for i in range(40):
        folder = tmp_path / "pictures" / str(int(test.labels[i]))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.images[i, 0].numpy()).save(folder / f"{i:02}.png")
    return tmp_path / "pictures"


def rows_of(path):
    return list(csv.DictReader(path.open(newline="")))


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


def test_a_study_means_its_best_arm_on_validation_and_says_so(cli, kept, tmp_path):
    best = max(kept[:2], key=lambda record: record["val_accuracy"])
    result = cli("evaluate", "small", "--data", "digits")
    assert f"run {best['id']}, the best arm of small on validation" in result.out
    (tmp_path / "results" / "models" / f"{best['id']}.safetensors").unlink()
    result = cli("evaluate", "small", "--data", "digits")
    assert result.code == 2
    assert "--save-models" in result.err


def test_a_file_or_the_best_epoch(cli, kept, tmp_path):
    id = kept[0]["id"]
    path = tmp_path / "results" / "models" / f"{id}.safetensors"
    first = cli("evaluate", path, "--data", "digits", "--json").json
    assert first["runs"] == [id]
    assert cli("evaluate", f"{id}.best", "--data", "digits").code == 0
    of_study = cli("evaluate", "small.best", "--data", "digits")
    assert of_study.code == 0, of_study.err
    assert "the best arm of small on validation" in of_study.out
    for file in (tmp_path / "results" / "models").glob("*.best.safetensors"):
        file.unlink()
    result = cli("evaluate", "small.best", "--data", "digits")
    assert result.code == 2
    assert "--save-models best" in result.err


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


def test_the_start_of_two_runs_is_refused(cli, kept, tmp_path):
    models = tmp_path / "results" / "models"
    for end in ("0" * 12, "1" * 12):
        (models / f"abcd{end}.safetensors").write_bytes(b"")
    result = cli("predict", "abcd", "--data", "digits", "-o", "a.csv")
    assert "abcd begins the ids of 2 runs: abcd000000000000, abcd111111111111" in result.err


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


@pytest.mark.parametrize("kind", ["missing", "a byte", "a folder"])
def test_runs_without_weights_are_trained_again_and_compared(
    cli, stub, tmp_path, monkeypatch, kind
):
    """With stubbed training: the runs, their store, and the line about a different accuracy."""
    assert cli("run", "--tricks", "warmup", "--seeds", "1").code == 0
    store = Store(tmp_path / "results")
    first, second = stub.ids
    a_model(store, first)
    if kind == "a folder":
        model_file(store, second).mkdir()
    elif kind == "a byte":
        path = a_model(store, second)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    asked = []

    def execute(runs, again, order, on_event):
        for run in runs:
            asked.append((run.id, order.work.models, order.work.best))
            again.commit({**store.read(run.id), "test_accuracy": 12.5})
        return Summary(ok=len(asked), diverged=0, failed=0, infra=0, skipped=0, interrupted=False)

    stubbed = executor.execute
    monkeypatch.setattr(
        "runner.execution.executor.execute",
        lambda runs, where, order, on_event: (
            stubbed if where.root == store.root.relative_to(tmp_path) else execute
        )(runs, where, order, on_event),
    )
    line = ("run", "--tricks", "warmup", "--seeds", "1", "--save-models")
    assert "1 recorded without weights" in cli(*line, "--dry-run").out
    result = cli(*line)
    assert result.code == 0, result.err
    assert asked == [(second, str(tmp_path / "results" / "models"), False)]
    assert f"{second}: test accuracy 12.50 % this time, 9" in result.out
    assert "the record stays as it is" in result.out
    assert store.read(second)["test_accuracy"] != 12.5
    assert not model_file(store, second).exists()  # nothing stands in the way of the new one
    assert fault(model_file(store, first)) == ""


def test_of_the_winner_alone_the_weights_are_kept(cli, stub, tmp_path, monkeypatch):
    line = ("run", "--tricks", "warmup", "--seeds", "2")
    assert cli(*line).code == 0
    store, stubbed, asked = Store(tmp_path / "results"), executor.execute, []

    def execute(runs, where, order, on_event):
        if where.root == store.root.relative_to(tmp_path):
            return stubbed(runs, where, order, on_event)
        asked.extend((run.id, order.work.models, order.work.best) for run in runs)
        for run in runs:
            where.commit(store.read(run.id))
        return Summary(ok=len(asked), diverged=0, failed=0, infra=0, skipped=0, interrupted=False)

    monkeypatch.setattr("runner.execution.executor.execute", execute)
    assert "1 recorded without weights" in cli(*line, "--save-models", "winner", "--dry-run").out
    assert cli(*line, "--save-models", "winner").code == 0
    score = {id: store.read(id)["val_accuracy"] for id in stub.ids}
    by_arm = {tuple(sorted(r["tricks"])): [] for r in map(store.read, stub.ids)}
    for id in stub.ids:
        by_arm[tuple(sorted(store.read(id)["tricks"]))].append(id)
    arm = max(by_arm.values(), key=lambda ids: sum(score[id] for id in ids))
    assert asked == [(max(arm, key=score.get), str(tmp_path / "results" / "models"), False)]


@pytest.mark.slow
def test_models_are_saved_and_recorded_runs_trained_again_for_them(cli, tmp_path):
    line = ("run", "--tricks", "ema", "--seeds", "1", "--set", "epochs=2", "--set",
            "train_images=128", "--workers", "1")  # fmt: skip
    assert cli(*line).code == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "results" / "runs").rglob("*.json")}
    assert "2 recorded without weights" in cli(*line, "--save-models", "--dry-run").out
    result = cli(*line, "--save-models", "best")
    assert result.code == 0, result.err
    assert "2 recorded without weights: training them again" in result.out
    assert "on record" not in result.out
    after = {p.name: p.read_bytes() for p in (tmp_path / "results" / "runs").rglob("*.json")}
    assert after == before
    models = tmp_path / "results" / "models"
    assert len(list(models.glob("*.safetensors"))) == 4
    for name, data in before.items():
        got = cli("evaluate", name[:16], "--data", "digits", "--json")
        assert got.code == 0, got.err
        assert got.json["accuracy"] == pytest.approx(json.loads(data)["test_accuracy"])
    assert "trained again" not in cli(*line, "--save-models").out
    bad = cli(*line, "--save-models=first")
    assert bad.code == 2
    assert "--save-models first: unknown choice" in bad.err


def test_of_a_tuned_study_the_tuned_arms_are_taken(cli, kept, tmp_path):
    """A tuning trial that looks best is not an arm; only the arm's own runs count."""
    asked = {
        "task": "digits", "grid": "add-one", "tune": {"lr_scale": ["0.5", "1"]}, "tune_seeds": 1,
        "factors": [{"name": "optimizer", "levels": ["sgd", "lars"]}],
    }  # fmt: skip
    best, other = sorted(kept[:2], key=lambda record: -record["val_accuracy"])
    rows = [
        {"id": best["id"], "seed": 9, "optimizer": "sgd", "stage": "tuning", "lr_scale": "0.5"},
        {"id": kept[2]["id"], "seed": 1, "optimizer": "sgd", "stage": "fixed", "lr_scale": "1"},
        {"id": other["id"], "seed": 0, "optimizer": "sgd", "stage": "tuned", "lr_scale": "0.5"},
    ]
    save_study(Store(tmp_path / "results"), "tuned", from_mapping(asked), rows)
    done = cli("evaluate", "tuned", "--data", "digits")
    assert done.code == 0, done.err
    assert done.out.startswith(f"run {other['id']}, the best arm of tuned")
    assert "optimizer=sgd lr_scale=0.5" in done.out


def test_no_models_of_trials_are_kept(tmp_path):
    from runner.launch.weights import saving
    from runner.studies.asked import Asked
    from runner.studies.study import build
    from runner.studies.tuning import known_runs

    plan = build(Asked(tricks=["cosine"], tune={"lr_scale": [0.5, 1]}, seeds=2))
    work, store = RecipeRun("digits", device="cpu"), Store(tmp_path / "results")
    keeping = saving(work, "last", store, plan)
    stages = {run.spec.id: run.stage for run in known_runs(plan, {})}
    assert keeping.trials == {id for id, stage in stages.items() if stage == "tuning"}
    assert len(keeping.trials) == 2 * 2 * 2
    assert saving(work, None, store, plan) == work
    id = next(iter(keeping.trials))
    spec = next(run.spec for run in known_runs(plan, {}) if run.spec.id == id)
    few = RunSpec({**spec.data, "train_images": 64}, spec.recipe, spec.seed)
    trials = frozenset([few.id])
    dataclasses.replace(keeping, trials=trials)(few.run(), print)
    assert not list((tmp_path / "results").rglob("*.safetensors"))


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


def test_answers_about_models_have_their_published_types(cli, kept, pictures, tmp_path):
    import msgspec

    from runner.commands.answers.schema import ANSWERS

    id = kept[0]["id"]
    for line in (f"evaluate {id} --data digits", f"predict {id} --data {pictures} -o out.csv"):
        done = cli(*line.split(), "--json")
        [kind] = ANSWERS[line.split()[0]]
        msgspec.convert(done.json, kind, strict=True)
        assert set(done.json) <= {field.encode_name for field in msgspec.structs.fields(kind)}
