"""Studies of a script, from the command line to the analysis."""

import json
import shlex
import subprocess
import tomllib

import pytest

from tests.scripts.conftest import LONE, PYTHON, RUN, VAL


def states(cli):
    return cli("status", "--json").json


def test_a_study_by_flags_is_run_analysed_and_reported(cli, asked, records, folder):
    flags = asked("--metric", VAL, "--seeds", 2)
    dry = cli(*flags, "--dry-run")
    assert dry.code == 0, dry.err
    assert f"gain: {PYTHON} -S train.py --seed 0 --out outputs/ID --gain 2" in dry.out
    assert not (folder / "results").exists()
    done = cli(*flags)
    assert done.code == 0, done.err
    assert states(cli)["ok"] == 4
    [effect] = cli("analyze", "--json").json["effects"]
    assert (effect["factor"], effect["level"], effect["reference"]) == ("gain", "on", "off")
    assert effect["effect"] == pytest.approx(2.0)
    for metric, mean in (("top1", 2.0), ("val_accuracy", 2.0), ("val_top1", 2.0)):
        [effect] = cli("analyze", "--metric", metric, "--json").json["effects"]
        assert effect["effect"] == pytest.approx(mean, abs=0.011)
    assert cli("export", "-o", "runs.csv").code == 0
    assert (folder / "runs.csv").read_text().count("\n") == 5
    again = cli(*flags, "--seeds", 3)
    assert "4 recorded before" in again.out
    assert list((folder / "results/outputs").iterdir()) == []
    asked_again = tomllib.loads((folder / "results/studies/s/study.toml").read_text())
    assert asked_again["script"]["run"] == RUN
    assert "6 recorded before" in cli("run", "--study", "s", "--workers", 1).out


def test_the_record_says_what_the_script_saw_and_took(cli, asked, records):
    assert cli(*asked(level="trick.on=env:TRICK='a b' --gain 1")).code == 0
    (on,) = (record for record in records().values() if record["tricks"])
    assert on["command"][:3] == [PYTHON, "-S", "train.py"]
    assert on["command"][-2:] == ["--gain", "1"]
    assert on["environment"]["TRICK"] == "a b"
    assert on["seconds"]["total"] > 0
    assert on["seconds"]["cpu"] > 0
    assert on["peak_memory_mb"] > 1
    assert (on["device"], on["gpu_seconds"]) == ("cpu", 0)
    assert on["versions"]["python"]
    assert on["host"]
    assert len(on["data"]["inputs"]) == 16


def test_arguments_that_look_like_attacks_reach_the_script_as_they_are(cli, asked, folder):
    (folder / "train.py").write_text(
        "import json, sys\njson.dump({'top1': 90, 'said': sys.argv[1:]}, "
        "open(sys.argv[1] + '/result.json', 'w'))"
    )
    attacks = [
        "; touch gone",
        "$(touch gone)",
        "`touch gone`",
        "| touch gone",
        "--x",
        "'",
        '"',
        "",
    ]
    file = f"""
        grid = "add-one"
        seeds = 1
        [script]
        run = "{PYTHON} -S train.py {{out}} {{seed}} {{arguments}}"
        keep = true
        metric = {LONE}
        [levels.attack]
        off = ""
        on = {json.dumps(shlex.join(attacks))}
        """
    (folder / "study.toml").write_text(file)
    done = cli("run", "--study", "study.toml", "--workers", 1)
    assert done.code == 0, done.err
    said = [json.loads(path.read_text())["said"] for path in folder.rglob("result.json")]
    assert attacks in [words[2:] for words in said]
    assert not list(folder.rglob("gone"))


def test_a_full_grid_has_a_placebo_of_another_seed_alone(cli, asked, records):
    flags = asked("--grid", "full", "--placebo", "--level", "b.on=--gain 0")
    done = cli(*flags)
    assert done.code == 0, done.err
    found = records().values()
    assert len(found) == 8
    for record in found:
        given = record["command"][record["command"].index("--seed") + 1]
        assert (given == str(record["seed"])) == ("placebo" not in record["tricks"])


def test_parameters_are_set_varied_and_tuned(cli, asked, records):
    run = f"{PYTHON} -S train.py --seed {{seed}} --out {{out}} --gain {{lr}} {{arguments}}"
    flags = asked("--set", "lr=1", "--tune", "lr=1,3", "--tune-seeds", 1, run=run,
                  level="other.on=--x 1")  # fmt: skip
    told = cli(*flags)
    assert told.code == 2
    assert 'role = "validation"' in told.err
    assert told.err.count("\n") == 1
    done = cli(*flags, "--metric", VAL)
    assert done.code == 0, done.err
    assert "lr chosen on validation: 3 ×2" in done.out
    assert cli("report").code == 0
    assert {record["edits"]["parameters"]["lr"] for record in records().values()} == {"1", "3"}


def test_the_winner_is_run_again(cli, asked):
    assert cli(*asked("--metric", VAL)).code == 0
    done = cli("run", "--confirm", "--seeds", 1, "--workers", 1)
    assert done.code == 0, done.err
    assert "s promised +2.00 pp" in done.out
    assert "winner" in cli("analyze", "s-confirm").out


def test_without_validation_nothing_is_chosen(cli, asked):
    assert cli(*asked()).code == 0
    told = cli("run", "--confirm")
    assert told.code == 2
    assert told.err.count("\n") == 1
    assert "--confirm chooses, and choices are made on validation images" in told.err
    assert "--until chooses" in cli(*asked("--until", "decided", "--name", "t")).err


def test_looks_stop_when_all_is_decided(cli, asked):
    done = cli(*asked("--metric", VAL, "--until", "half-width=50", "--looks", 2, "--seeds", 4))
    assert done.code == 0, done.err
    assert states(cli)["ok"] == 4  # two seeds of two arms, the first look


def test_best_epochs_are_called_that(cli, asked):
    best = 'top1={pattern = "val: ([0-9.]+)", take = "max"}'
    assert cli(*asked("--seeds", 2, metric=best)).code == 0
    told = cli("analyze").out
    assert told.startswith("accuracy (best epoch): effects")
    assert "too good by an amount that differs between arms" in told


def test_a_metric_that_is_no_percentage_is_the_studys_own(cli, asked, folder):
    loss = 'loss_of_test={file = "{out}/result.json", key = "deep.loss"}'
    done = cli(*asked("--seeds", 2, metric=loss))
    assert done.code == 0, done.err
    answer = cli("analyze", "--json").json
    assert (answer["metric"], answer["larger_is_better"]) == ("loss_of_test", False)
    assert answer["effects"][0]["effect"] == pytest.approx(-2.0)


def test_seeds_that_change_nothing_are_found(cli, asked):
    run = f"{PYTHON} -S train.py --out {{out}} {{arguments}}"
    done = cli(*asked("--seeds", 2, run=run))
    assert done.code == 0, done.err
    assert "has no placeholder {seed}" in done.out
    assert "All seeds of 2 arms gave identical results" in done.out
    assert "All seeds of 2 arms gave identical results" in cli("analyze").out


def test_a_changed_script_is_another_experiment(cli, asked, folder):
    assert cli(*asked()).code == 0
    with (folder / "train.py").open("a") as file:
        file.write("# changed\n")
    told = cli(*asked())
    assert told.code == 2
    assert "have changed since the study s began" in told.err
    assert cli(*asked("--name", "t")).code == 0


def test_a_script_that_changes_while_its_grid_runs_stops_it(cli, asked, folder, records):
    with (folder / "train.py").open("a") as file:
        file.write("open('train.py', 'a').write('# another\\n')\n")
    told = cli(*asked())
    assert told.code == 2
    assert "train.py: changed since the grid began" in told.err
    assert records() == {}


def test_a_config_is_changed_in_a_copy(cli, folder, records):
    (folder / "c.json").write_text('{"gain": 0, "deep": {"x": 1}}')
    (folder / "train.py").write_text(
        "import json, sys\nc = json.load(open(sys.argv[1]))\n"
        "print('top1:', 90 + c['gain'] + c['deep']['x'])\n"
    )
    run = f"{PYTHON} -S train.py {{config}} {{seed}}"
    file = f"""
        seeds = 1
        [script]
        run = "{run}"
        config = "c.json"
        metric = {{ pattern = "top1: ([0-9.]+)" }}
        [levels.gain]
        on = "config:gain=2 config:deep.x=3"
        """
    (folder / "study.toml").write_text(file)
    done = cli("run", "--study", "study.toml", "--workers", 1)
    assert done.code == 0, done.err
    assert sorted(record["test_accuracy"] for record in records().values()) == [91, 95]


def test_a_number_that_is_none_any_more_is_a_divergence(cli, asked, folder):
    (folder / "train.py").write_text("print('acc: nan')")
    done = cli(*asked(metric='{pattern = "acc: (.+)"}'))
    assert done.code == 0, done.err
    assert states(cli)["diverged"] == 2


def test_a_script_that_fails_is_recorded_with_its_last_words(cli, asked, folder, records):
    text = "import sys\nprint('first')\nopen(sys.argv[4] + '/x', 'w')\nsys.exit('no such image')"
    (folder / "train.py").write_text(text)
    done = cli(*asked())
    assert done.code == 1
    assert "the script exited with code 1: no such image" in done.out
    for record in records().values():
        assert record["state"] == "failed"
        assert record["error"]["traceback"].splitlines() == ["first", "no such image"]
    assert "| no such image" in cli("status").out
    left = {path.parent.name for path in folder.rglob("x")}
    assert left == {f"{id}.failed" for id in records()}
    assert cli("retry").code == 0


def test_memory_that_ran_out_is_told_apart(cli, asked, folder, records):
    text = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"
    (folder / "train.py").write_text(f"import sys\nsys.exit({text!r})")
    done = cli(*asked())
    assert done.code == 1
    assert {record["state"] for record in records().values()} == {"infra"}
    assert {record["error"]["type"] for record in records().values()} == {"OutOfMemory"}
    assert "fewer --workers" in cli("status").out


def test_a_dry_run_imports_nothing_heavy(asked, folder):
    (folder / "train.py").write_text("")
    code = (
        "import sys\nfrom runner.cli import call\n"
        f"assert call({[str(word) for word in asked('--dry-run')]!r}) == 0\n"
        "heavy = {'torch', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [PYTHON, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
