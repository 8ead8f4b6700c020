"""run --equal time with a script: each arm gets its own value of the parameter `epochs`."""

import json

import pytest

from tests.scripts.conftest import PYTHON, TOP1

SLOW = """
import json, sys, time
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
epochs = int(words["--epochs"])
end = time.process_time() + 0.03 * epochs * float(words.get("--cost", 1))
while time.process_time() < end:
    pass
json.dump({"top1": 80 + epochs}, open(words["--out"] + "/result.json", "w"))
"""
RUN = f"{PYTHON} -S train.py --seed {{seed}} --out {{out}} --epochs {{epochs}} {{arguments}}"


def line(epochs="10", run=RUN, more=()):
    parameters = f"[script.parameters]\nepochs = {epochs}\n" if epochs else ""
    return f"""
    equal = "time"
    seeds = 2
    [script]
    run = {json.dumps(run)}
    {parameters}
    [script.metrics.top1]
    {TOP1.partition("=")[2].strip("{}").replace(", ", chr(10))}
    [levels.slow]
    on = "--cost 3"
    """ + "\n".join(more)


@pytest.fixture
def study(tmp_path):
    def write(**given):
        (tmp_path / "train.py").write_text(SLOW)
        (tmp_path / "s.toml").write_text(line(**given))
        return "--study", "s.toml"

    return write


def test_an_arm_that_costs_more_gets_fewer_epochs(cli, study):
    done = cli("run", *study())
    assert done.code == 0, done.err
    found = cli("analyze", "--json").json
    assert found["stage"] == "equal-time"
    [slow] = found["equal_time"]["arms"][1:]
    assert 3 <= slow["epochs"] <= 5
    [effect] = found["effects"]
    assert effect["effect"] == slow["epochs"] - 10
    [fixed] = cli("analyze", "--stage", "fixed", "--json").json["effects"]
    assert fixed["effect"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": "2.5"}, "the parameter epochs must be a whole number, not 2.5"),
        ({"epochs": "", "run": RUN.replace("{epochs}", "3")}, "put {epochs} into script.run"),
        ({"more": ["[levels.long]", 'on = "set:epochs=20"']}, "long=on sets the epochs itself"),
    ],
)
def test_epochs_that_cannot_be_an_arms_own_are_told_in_one_line(cli, study, given, said):
    told = cli("run", *study(**given))
    assert told.code == 2
    assert said in told.err
    assert told.err.count("\n") == 1
