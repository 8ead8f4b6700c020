"""The JSON of commands has the published types, and no other keys."""

import json
from pathlib import Path

import msgspec
import pytest

from runner import cli as program
from runner.commands.answers.schema import ANSWERS, published

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "results" / "ten-epochs"
PACKAGES = {"tricks-bench", "torch", "torchvision", "timm", "numpy", "pandas", "scipy"}


def keys(kind):
    item = kind.__args__[0] if hasattr(kind, "__args__") else kind
    return {field.encode_name for field in msgspec.structs.fields(item)}


def fits(command, value):
    """The type that fits an answer's value and has each of its keys. Raises AssertionError."""
    wrong = []
    for kind in ANSWERS[command]:
        try:
            msgspec.convert(value, kind, strict=True)
        except msgspec.ValidationError as error:
            wrong.append(f"{kind}: {error}")
            continue
        rows = value if isinstance(value, list) else [value]
        strange = {key for row in rows for key in row} - keys(kind)
        if command == "doctor":
            strange -= PACKAGES
        if not strange:
            return kind
        wrong.append(f"{kind}: not published: {sorted(strange)}")
    raise AssertionError("\n".join(wrong))


def test_the_published_schema_is_that_of_the_types():
    assert (ROOT / "docs" / "json_schema.json").read_text() == published()


def test_every_command_has_a_schema():
    assert set(ANSWERS) == set(program.COMMANDS)


def test_a_strange_key_and_a_wrong_type_are_found():
    said = {"study": "a", "opened": 1, "held": 0}
    assert fits("retry", said).__name__ == "Retry"
    for wrong in ({**said, "more": 1}, {**said, "opened": "1"}, {"study": "a"}):
        with pytest.raises(AssertionError):
            fits("retry", wrong)


@pytest.mark.parametrize(
    "line",
    [
        f"analyze {STUDIES}/digits-full", f"analyze {STUDIES}/digits-tuned",
        f"analyze {STUDIES}/digits-screen", f"analyze {STUDIES}/digits-add-one --metric val_loss",
        "list tricks", "list tasks", "list grids", "list studies", "list grids --tricks warmup",
        "show mixup", "show baseline+mixup", "run --dry-run", "run --grid full --dry-run",
        "run --tricks cosine --tune lr_scale=0.5,1 --dry-run", "check --dry-run",
        "run --tricks cosine --equal time --dry-run", "run --tricks cosine --quick --dry-run",
        "run --tricks cosine --until decided --seeds 8 --dry-run",
        "plan --effect 1 --sigma 0.5 --tricks cosine", f"doctor {STUDIES}/digits-screen", "doctor",
        "recipe baseline+mixup", "recipe baseline+mixup --set model=resnet18 --as timm",
        f"recipe {STUDIES}/digits-add-one --as toml",
    ],
)  # fmt: skip
def test_answers_have_their_types(cli, line):
    done = cli(*line.split(), "--json")
    assert done.code == 0, done.err
    fits(line.split()[0], done.json)


def test_answers_of_a_study_have_their_types(cli, stub, no_drawing):
    run = ("run", "--tricks", "warmup", "--seeds", "2", "--name", "mine", "--json")
    fits("run", cli(*run).json)
    for line in ("status", "analyze", "report", "retry", "cancel", "export mine -o runs.csv",
                 "recipe mine", f"merge {STUDIES}/digits-screen"):  # fmt: skip
        done = cli(*line.split(), "--json")
        assert done.code == 0, (line, done.err)
        fits(line.split()[0], done.json)


def test_json_stays_json_where_the_text_of_a_recipe_is_one(cli):
    said = cli("recipe", "baseline+cosine", "--json").json
    assert json.loads(said["text"])["recipe"]["schedule"]["name"] == "cosine"
