"""What a study of a script cannot be is told in one line."""

import pytest

from tests.scripts.conftest import PYTHON


def test_a_metric_that_is_not_there_is_told_with_the_files_that_are(cli, asked, records):
    told = cli(*asked(metric='{file = "{out}/summary.csv", column = "top1"}'))
    assert told.code == 2
    assert "there is no file {out}/summary.csv; in {out} are result.json" in told.err
    assert records() == {}


def test_a_value_that_is_no_number_is_told(cli, asked, records):
    told = cli(*asked(metric='{file = "{out}/result.json", key = "word"}'))
    assert told.code == 2
    assert "'abc' is no number" in told.err


def test_an_accuracy_is_in_per_cent(cli, asked):
    told = cli(*asked(metric='{file = "{out}/result.json", key = "top1", scale = 100}'))
    assert told.code == 2
    assert "is no percentage" in told.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--level", "mixup"], "write it as --level FACTOR.LEVEL='arguments'"),
        (["--level", "gain.off=", "--level", "gain.more="], "gain.more is the same as off"),
        (["--level", "a.on='x"], "levels.a.on: no closing quotation"),
        (["--metric", "top1"], "write it as --metric"),
        (["--metric", "{key = 1}"], "Expected `str"),
        (["--metric", "{keys = '1'}"], "unknown field `keys`"),
        (["--set", "lr=1"], "the script has no parameters"),
        (["--factor", "lr=1,2"], "the script has no parameters"),
        (["--tricks", "mixup"], "tricks is for studies of recipes"),
        (["--data", "."], "--data is for tasks"),
        (["--save-models", "last"], "--save-models is for studies of recipes"),
        (["--smoke"], "--smoke is for studies of recipes"),
        (["--quick"], "--quick is for studies of recipes"),
        (["--equal", "time"], "put {epochs} into script.run"),
        (["--level", "seed.on=x"], "a factor cannot be called 'seed'"),
        (["--level", "a.on=set:lr=1"], "the script has no parameters"),
        (["--level", "a.on=config:lr=1"], "name its file, script.config"),
        (["--level", "a.on=env:X=1", "--level", "b.on=env:X=2"], "a and b both set X"),
    ],
)
def test_bad_input_is_told_in_one_line(cli, asked, more, said):
    told = cli(*asked(*more))
    assert told.code == 2
    assert said in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("no-such-program {arguments} {seed}", "script.run cannot be started: No such file"),
        (f"{PYTHON} train.py {{arguments}} {{sede}}", "unknown placeholder 'sede'"),
        (
            f"{PYTHON} train.py {{seed}}",
            "has arguments, but script.run has no placeholder {arguments}",
        ),
    ],
)
def test_a_command_that_cannot_be_run_is_told_in_one_line(cli, asked, run, said):
    told = cli(*asked(run=run))
    assert told.code == 2
    assert said in told.err
    assert told.err.count("\n") == 1


def test_other_commands_say_that_a_script_is_none_of_theirs(cli, asked):
    assert cli(*asked()).code == 0
    told = cli("check", "--study", "s")
    assert told.code == 2
    assert "for studies of recipes: s is a study of a script" in told.err
