"""Recipes as TOML, as timm's arguments and as JSON; and how a recipe is named."""

import json
from pathlib import Path

import pytest

from runner.inference.recipe.as_json import as_json
from runner.inference.recipe.study_toml import study_toml
from runner.inference.recipe.subject import subject
from runner.inference.recipe.timm_arguments import timm_arguments, timm_text
from runner.records.export import read_export
from runner.reporting.material import gather
from runner.studies.asked import read
from runner.studies.study import build
from tricks.bag import recipe_from_json
from tricks.errors import BadInput
from tricks.recipe import resolve

STUDIES = Path(__file__).parents[2] / "results" / "ten-epochs"
TEXTS = [
    "baseline", "baseline+mixup(alpha=0.4)+cutmix+cosine+warmup(epochs=2)",
    "baseline+adamw+label-smoothing+no-bias-decay", "baseline+evonorm+ema+randaugment+sam",
]  # fmt: skip


def asked(text, tmp_path, **settings):
    return subject(text, "cifar10", settings, tmp_path)


@pytest.mark.parametrize("text", TEXTS)
def test_as_toml_it_is_the_baseline_of_a_study(text, tmp_path):
    found = asked(text, tmp_path, epochs="7", lr_scale="0.5")
    (tmp_path / "study.toml").write_text(study_toml(found))
    study = build(read(tmp_path / "study.toml"))
    assert resolve(study.baseline, study.task.learning_rates) == found.recipe


@pytest.mark.parametrize("text", TEXTS)
def test_as_json_it_comes_back(text, tmp_path):
    found = asked(text, tmp_path)
    said = json.loads(as_json(found))
    assert recipe_from_json(said["recipe"]) == found.recipe
    assert (said["name"], said["task"]) == (text, "cifar10")


@pytest.mark.parametrize("name", ["digits-add-one", "digits-tuned"])
def test_of_a_study_the_recommended_arm_is_taken(name, tmp_path):
    found = subject(str(STUDIES / name), "digits", {}, tmp_path)
    report = gather(tmp_path, str(STUDIES / name))
    assert found.name == report.recommended.label
    held = read_export(STUDIES / name).runs
    if "stage" in held:
        held = held[held["stage"] == "tuned"]
    levels = report.recommended.levels.items()
    arm = held[[all(run[name] == level for name, level in levels) for _, run in held.iterrows()]]
    assert f"{arm['val_accuracy'].mean():.2f} %" in " ".join(found.about)
    assert found.stored


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [("mine", {}, "unknown run or study 'mine'"), ("abcd", {}, "no run abcd"),
     (str(STUDIES / "digits-add-one"), {"epochs": "3"}, None)],
)  # fmt: skip
def test_what_is_no_recipe(text, settings, said, tmp_path):
    from runner.records.store import Store

    Store(tmp_path)
    with pytest.raises(BadInput, match=said or "--set is for baseline"):
        subject(text, "digits", settings, tmp_path)


def test_as_arguments_of_timm(tmp_path):
    text = "baseline+mixup+cutmix+label-smoothing+cosine+warmup(epochs=5)+zero-gamma+random-erasing"
    found = timm_arguments(asked(text, tmp_path, model="resnet18", crop="random-resized"))
    said = " ".join(found.said)
    for words in (
        "--model resnet18", "--mixup 0.2", "--cutmix 1", "--smoothing 0.1", "--sched cosine",
        "--num-classes CLASSES", "--warmup-epochs 5", "--reprob 0.25", "--remode const",
        "--opt sgd", "--momentum 0.9", "--lr 0.1", "--weight-decay 0.0005", "--batch-size 128",
        "--scale 0.08 1", "--hflip 0.5",
    ):  # fmt: skip
        assert words in said, words
    assert "zero_init_last" not in said, "timm's ResNets start so"
    assert found.cannot == {}
    plain = timm_arguments(asked("baseline", tmp_path, model="resnet18", crop="random-resized"))
    assert "--model-kwargs zero_init_last=False" in " ".join(plain.said)


def test_what_timm_cannot_do_is_listed_by_name(tmp_path):
    text = "baseline+evonorm+sam+one-cycle+flip-tta+swa"
    found = timm_arguments(asked(text, tmp_path, model="resnet18", crop="random-resized"))
    assert sorted(found.cannot) == ["evonorm", "flip-tta", "one-cycle", "sam", "swa"]
    assert all(f"# timm cannot {name}: " in timm_text(found) for name in found.cannot)
    lars = timm_arguments(asked("baseline+lars", tmp_path, model="resnet18"))
    assert "lars" in lars.differs
    with pytest.raises(BadInput, match="timm has no small-image-resnet50"):
        timm_arguments(asked("baseline", tmp_path))
