"""A run, the start of its id, a file or a study names the model that is used."""

from runner.records.store import Store
from runner.records.studies import save_study
from runner.records.study_toml import from_mapping


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


def test_the_start_of_two_runs_is_refused(cli, kept, tmp_path):
    models = tmp_path / "results" / "models"
    for end in ("0" * 12, "1" * 12):
        (models / f"abcd{end}.safetensors").write_bytes(b"")
    result = cli("predict", "abcd", "--data", "digits", "-o", "a.csv")
    assert "abcd begins the ids of 2 runs: abcd000000000000, abcd111111111111" in result.err


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
