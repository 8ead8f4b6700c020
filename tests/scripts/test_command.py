"""A script's command: words are split once, and inserted values stay unchanged."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records.script_toml import Script
from runner.scripts import command
from runner.scripts.command import Places, arguments, edits, words
from tricks.errors import BadInput

HERE = Places(seed=7, out="/o u t/$(x)")
MARKED = (command.ENVIRONMENT, command.CONFIG, command.PARAMETER, command.STREAM)


def called(run, level="", places=HERE, **more):
    return arguments(Script(run=run, **more), edits(words(level, "level")), places)


plain = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
words_of_any_kind = plain.filter(
    lambda text: not text.startswith(MARKED) and not command.placeholders(text)
)


@given(st.lists(words_of_any_kind, max_size=5))
def test_arguments_arrive_as_they_were_written(texts):
    assert called("train {arguments}", shlex.join(texts)) == ["train", *texts]


@given(words_of_any_kind)
def test_an_output_folder_of_any_name_is_one_argument(name):
    places = Places(seed=0, out=name)
    assert called("train --out={out} {out}", places=places) == ["train", f"--out={name}", name]


@given(st.lists(words_of_any_kind, min_size=1, max_size=5))
def test_a_shell_gets_its_arguments_quoted(texts):
    [shell, option, text] = called("train {arguments} > {out}/log", shlex.join(texts), shell=True)
    assert (shell, option) == ("/bin/sh", "-c")
    assert shlex.split(text) == ["train", *texts, ">", f"{HERE.out}/log"]


@pytest.mark.parametrize(
    "attack",
    ["; rm -rf /", "$(touch x)", "`touch x`", "a && b", "| sh", "'", '"', "{out", "\n"],
)
def test_what_looks_like_an_attack_is_an_argument(attack):
    assert called("train {arguments}", shlex.join([attack])) == ["train", attack]


def test_placeholders_stand_anywhere():
    found = called(
        "train --seed={seed} data.lr={lr} '{arguments}'", "--mixup 0.2 {seed}",
        parameters={"lr": 0.1},
    )  # fmt: skip
    assert found == ["train", "--seed=7", "data.lr=0.1", "--mixup", "0.2", "7"]


def test_what_a_placeholder_stands_for_is_not_read_again():
    places = Places(seed=1, out="{seed}")
    assert called("train {out}", places=places) == ["train", "{seed}"]


def test_hydra_works_as_it_stands():
    assert called("train {arguments}", "model.norm=bn '+a.b=[1, 2]'")[1:] == [
        "model.norm=bn",
        "+a.b=[1, 2]",
    ]


def test_levels_may_change_variables_config_and_parameters():
    found = edits(words("env:A='1 2' config:train.mixup=0.2 set:lr=3 --x", "level"))
    assert found.environment == {"A": "1 2"}
    assert found.config == {"train.mixup": "0.2"}
    assert found.parameters == {"lr": "3"}
    assert found.arguments == ("--x",)


@pytest.mark.parametrize("resumes", [False, True])
def test_resume_is_a_truth_or_arguments_of_its_own(resumes):
    places = Places(seed=1, out="o", resumes=resumes)
    assert called("t {resume}", places=places) == ["t", str(resumes).lower()]
    own = called("t {resume}", places=places, resume="--resume {out}/last.pth")
    assert own == ["t", *(["--resume", "o/last.pth"] if resumes else [])]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (Script(run=" "), "script.run is empty"),
        (Script(run="t {sead}"), "unknown placeholder 'sead': did you mean seed?"),
        (Script(run="t 'x"), "no closing quotation"),
        (Script(run="t {config}"), "name the original file"),
        (Script(run="t", config="c.yaml"), "needs the placeholder {config}"),
        (Script(run="t", resume="--resume"), "needs the placeholder {resume}"),
        (Script(run="t {resume}", resume="{lr}"), "script.resume: unknown placeholder 'lr'"),
        (Script(run="t", parameters={"lr": 1}), "has no placeholder {lr}"),
        (Script(run="t {seed}", parameters={"seed": 1}), "cannot be the name of a parameter"),
    ],
)
def test_a_command_that_cannot_be(script, said):
    with pytest.raises(BadInput) as told:
        command.check(script)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("env:A", "as env:NAME=value"), ("config:=1", "as config:NAME=value"),
        ("set:a=1 set:a=2", "set:a is set twice: '1' and '2'"),
    ],
)  # fmt: skip
def test_a_level_that_cannot_be(level, said):
    with pytest.raises(BadInput, match=said):
        edits(words(level, "level"))
