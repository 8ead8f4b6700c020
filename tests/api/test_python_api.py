"""`import tricks_bench as tb`: in scripts, in interactive sessions, on exported studies."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import tricks_bench as tb
from runner.analysis.analyze import analyze
from runner.analysis.data.runs_file import from_file

ROOT = Path(__file__).parents[2]
ADD_ONE = ROOT / "results" / "ten-epochs" / "digits-add-one"
TINY = """
import tricks_bench as tb
study = tb.study(
    task="digits", tricks=["cosine"], seeds=2, settings={"epochs": 1, "train_images": 64},
)
found = tb.run(study, results="results", workers=2, quiet=QUIET)
print(found.outcome.ended, sorted(set(found.runs["state"])), len(found.runs))
print(found.analysis("val_accuracy").effects["label"].tolist())
found.plot.effects("val_accuracy").savefig("effects.png")
print(found.report("report").name)
again = tb.run(study, results="results", quiet=True)
print(again.outcome.summaries[0].skipped, tb.load(study.name).runs.equals(found.runs))
"""


def script(code, folder, *, piped=False):
    """The finished process that ran `code` from a file, or typed in."""
    (folder / "my_script.py").write_text(code)
    line = [sys.executable] if piped else [sys.executable, "my_script.py"]
    return subprocess.run(
        line, input=code if piped else None, cwd=folder, capture_output=True, text=True,
        check=False, timeout=240, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize(
    "piped",
    [
        pytest.param(False, id="script without a guard"),
        pytest.param(True, id="typed in", marks=pytest.mark.slow),
    ],
)
def test_a_study_is_asked_for_run_and_read(tmp_path, piped):
    done = script(TINY.replace("QUIET", str(piped)), tmp_path, piped=piped)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    last = told[-4:]
    assert last[0].split() == ["done", "['ok']", "4"]
    assert last[1:] == ["['cosine']", "report.md", "4 True"]
    assert (len(told) == 4) is piped  # not quiet: as on the command line
    assert (tmp_path / "effects.png").stat().st_size > 10_000
    assert "## Effects" in (tmp_path / "report" / "report.md").read_text()


def test_a_script_of_ones_own_is_asked_for_run_and_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import sys; print('top1', 90 + len(sys.argv[2:]))")
    command = f"{sys.executable} -S train.py {{seed}} {{arguments}}"
    study = tb.study(
        script={"run": command, "metrics": {"top1": {"pattern": "top1 ([0-9]+)"}}},
        levels={"mixup": {"on": "--mixup"}}, seeds=2,
    )  # fmt: skip
    found = tb.run(study, quiet=True)
    assert found.analysis().effects["effect"].tolist() == [1.0]
    with pytest.raises(tb.BadInput, match="for studies of recipes"):
        tb.check(study)
    with pytest.raises(tb.BadInput, match="metric"):
        tb.run(tb.study(script=command, levels={"mixup": {"on": "--mixup"}}))


@pytest.mark.parametrize("name", ["runner", "tricks"])
def test_a_file_that_hides_a_package_is_named(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("")
    done = script("import tricks_bench as tb\ntb.study\n", tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: tricks-bench needs its own package")
    assert str(tmp_path / f"{name}.py") in last
    assert "rename that file" in last
    command = script("import tricks_bench\ntricks_bench.main()\n", tmp_path)
    assert command.returncode == 2
    assert command.stderr.strip() == last.removeprefix("ImportError: ")


def test_the_module_offers_its_names_and_no_other():
    assert dir(tb) == sorted(tb.__all__)
    assert all(getattr(tb, name) is not None for name in tb.__all__)
    with pytest.raises(AttributeError, match="tricks_bench has no runs; it has Answer"):
        _ = tb.runs


def test_an_import_alone_is_light(tmp_path):
    code = "import sys, tricks_bench\nassert not {'numpy', 'pandas', 'typer'} & set(sys.modules)\n"
    assert script(code, tmp_path).returncode == 0


def test_nothing_of_torch_is_imported_before_it_is_needed(tmp_path):
    code = (
        "import sys, tricks_bench as tb\n"
        f"found = tb.load({str(ADD_ONE)!r})\n"
        "found.analysis().effects, found.plot.effects(), tb.show('mixup'), tb.study()\n"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)\n"
    )
    done = script(code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def found():
    return tb.load(str(ADD_ONE))


def test_effects_are_those_of_the_command_line(found):
    answer = found.analysis("val_accuracy")
    told = answer.to_json()
    assert answer.effects["effect"].tolist() == [e["effect"] for e in told["effects"]]
    assert answer.effects["verdict"].tolist() == [e["verdict"] for e in told["effects"]]
    assert len(answer.arms) == len(told["arms"]) == 11
    assert "lars" in repr(answer)


def test_every_figure_is_drawn_or_says_why_not(found):
    for name in ("effects", "noise", "seeds", "accuracy_time", "learning_curves"):
        assert getattr(found.plot, name)().axes, name
    for name in ("steps", "interactions"):
        with pytest.raises(tb.BadInput, match="do not allow the figure"):
            getattr(found.plot, name)()


def test_a_frame_is_analyzed_as_the_same_csv(tmp_path):
    frame = pd.DataFrame(
        {
            "warmup": [False, True] * 6,
            "optimizer": (["sgd"] * 2 + ["lars"] * 2) * 3,
            "seed": [s for s in range(3) for _ in range(4)],
            "accuracy": [90.0, 91.2, 92.1, 92.9, 90.4, 91.0, 92.6, 93.1, 89.8, 91.5, 92.2, 93.3],
            "seconds": 3.5,
        }
    )
    frame.to_csv(tmp_path / "runs.csv", index=False)
    mine = tb.analyze(frame)
    theirs = analyze(from_file(tmp_path / "runs.csv"))
    assert mine.whole.effects == theirs.effects
    assert mine.effects["factor"].tolist() == ["warmup", "optimizer"]
    chosen = tb.analyze(frame, ["warmup"], reference={"warmup": "True"})
    assert chosen.effects["reference"].tolist() == ["True"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"a": [0, 1]}), "unknown metric column 'accuracy'"),
        (pd.DataFrame({"a": [], "accuracy": []}), "no rows"),
        (pd.DataFrame({"a": [0, 1], "accuracy": [0.9, 0.91]}), "multiply them by 100"),
    ],
)
def test_a_frame_that_cannot_be_right_is_refused(frame, words):
    with pytest.raises(tb.BadInput, match=words):
        tb.analyze(frame)


def test_what_cannot_be_asked_for_is_said_in_one_line():
    with pytest.raises(tb.BadInput, match="did you mean cosine"):
        tb.study(tricks=["cosin"])
    with pytest.raises(tb.BadInput, match="unknown key 'tunes'"):
        tb.study(tunes={})
    with pytest.raises(tb.BadInput, match="seeds: "):
        tb.study(seeds="three")
    with pytest.raises(tb.BadInput, match="unknown study"):
        tb.load("nothing", results=str(ROOT / "tests/records/golden/schema-1/results"))


def test_a_trick_of_the_script_itself_is_refused(tmp_path):
    code = (
        "from dataclasses import dataclass\n"
        "import tricks_bench as tb\n"
        "@dataclass(frozen=True)\n"
        "class Mine(tb.Trick):\n"
        '    """Set more decay."""\n'
        "    name = 'mine'; source = 'here'\n"
        "    def edits(self): return tb.Edits(sets={'decay': 1e-3})\n"
        "tb.study(tricks=[Mine()])\n"
    )
    done = script(code, tmp_path)
    assert "put its class into a file of its own" in done.stderr.strip().splitlines()[-1]


def test_show_gives_what_the_command_prints(capsys):
    from runner.cli import call

    for what in ("mixup", "baseline+mixup(alpha=0.4)+cosine"):
        assert call(["show", what]) == 0
        assert capsys.readouterr().out == tb.show(what) + "\n"


def test_a_metric_whose_direction_is_told():
    rows = [{"mixup": m, "seed": s, "spread": 0.5 + m + s / 100} for m in (0, 1) for s in range(4)]
    frame = pd.DataFrame(rows)
    told = tb.Metric("spread", "spread", larger_is_better=False)
    verdicts = [tb.analyze(frame, metric=m).effects.verdict[0] for m in ("spread", told)]
    assert verdicts == ["raises", "hurts"]
