"""The command line of jobs, with programs that act like SLURM's: messages, refusals, files."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import fake_slurm
import pytest
from moved import Long, OnBrokenNode, Quick
from stub_training import runs, two_arms

import tricks_bench as tb
from runner.cli import call
from runner.execution.clusters import submission
from runner.execution.clusters.jobs import Jobs
from runner.execution.clusters.sbatch import parameters
from runner.execution.clusters.submission import workers
from runner.execution.clusters.submitting import submit
from runner.execution.engines import registry
from runner.execution.engines import slurm as engine
from runner.execution.events import Event, Finished, Remark, Started
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.images import on_node as images
from runner.planning import probe_run
from runner.records.store import Store
from tricks.errors import BadInput

GRID = ("run", "--tricks", "cosine", "--set", "epochs=1", "--seeds", "1", "--name", "mine")
SLURM = (*GRID, "--engine", "slurm", "--jobs", "2")


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of programs that act like SLURM's, first on the PATH."""
    folder = tmp_path / "slurm"
    fake_slurm.write(folder)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    here = Path(__file__).parent
    paths = (here, here.parent / "execution", here.parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    monkeypatch.setattr(engine, "ASK", 0.5)
    monkeypatch.setattr(engine, "LOOK", 0.2)
    # Torch builds the network in a process of its own to weigh it: 15 s, and no matter here.
    monkeypatch.setattr(probe_run, "network_bytes", lambda specs, work: 1 << 20)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def cli(slurm: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """cli("run", ...) -> Result."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = call([*arguments])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run


def test_workers_of_an_array_do_a_grid_once(slurm: Path, tmp_path: Path) -> None:
    store, places, events = Store(tmp_path / "results"), tmp_path / "places", list[Event]()
    order = Order(
        Quick(places=str(places)), 2, engine="slurm", jobs=Jobs("grid", 9, {"mem": "1G"}, workers=1)
    )
    wanted = runs([*range(5), 90001])
    summary = execute(wanted, store, order, events.append)
    assert (summary.ok, summary.failed, summary.interrupted) == (5, 1, False)
    ids = [line.split()[0] for line in places.read_text().splitlines()]
    assert sorted(ids) == sorted(run.id for run in wanted)
    lines = [event.line for event in events if isinstance(event, Remark)]
    assert lines[:2] == [
        "--jobs 9: an array may have 4 jobs here (MaxArraySize)",
        "submitted job 1: 4 workers for 6 runs",
    ]
    assert sum(isinstance(event, Finished) for event in events) == 6
    text = (slurm / "submitted.sh").read_text()
    for flag in ("--mem=1G", "--time=240", "--requeue", "--signal=USR2@120", "--array=0-3%4"):
        assert f"#SBATCH {flag}\n" in text
    assert execute(wanted, store, order).skipped == 6
    assert len(submission.submissions(store)) == 1


def test_epochs_of_other_processes_are_told_while_they_train(slurm: Path, tmp_path: Path) -> None:
    store, events = Store(tmp_path / "results"), list[Event]()
    jobs = Jobs("long", 1, {}, workers=1)
    order = Order(
        Long(str(tmp_path / "diary"), 0.3),
        1,
        engine="slurm",
        jobs=jobs,
        limits=Limits(checkpoint=0),
    )
    assert execute(runs([0]), store, order, events.append).ok == 1
    kinds = [type(event).__name__ for event in events if not isinstance(event, Remark)]
    assert kinds[0] == Started.__name__
    assert 3 <= kinds.count("Epoch") <= 10  # the last ones are cleared away with the attempt
    assert kinds[-1] == Finished.__name__


def test_jobs_that_meet_a_mistake_end_the_waiting_with_it(slurm: Path, tmp_path: Path) -> None:
    order = Order(Quick(), 1, engine="slurm", jobs=Jobs("bad", 2, {}, workers=1))
    with pytest.raises(BadInput, match=r"a\.png is no image: remove it \(said by 1 job of 1\)"):
        execute(runs([90011]), Store(tmp_path / "results"), order)


def test_jobs_that_cannot_start_end_the_waiting(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order(Quick(), 1, engine="slurm", jobs=Jobs("bad", 2, {}, workers=1))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(BadInput, match=r"job 1 could not start: .*No module named"):
        execute(runs([0, 1]), Store(tmp_path / "results"), order)


def test_a_broken_node_leaves_the_grid_to_the_others(slurm: Path, tmp_path: Path) -> None:
    store, events = Store(tmp_path / "results"), list[Event]()
    work = OnBrokenNode(0.5, str(tmp_path / "diary"), broken="n2", after=3)
    order = Order(work, 1, engine="slurm", jobs=Jobs("grid", 2, {}, workers=1))
    wanted = two_arms(4)
    summary = execute(wanted, store, order, events.append)
    assert (summary.ok, summary.infra, summary.interrupted) == (8, 0, False)
    why = "n2 leaves the grid: 3 runs in a row were lost, the last by OSError: [Errno 5] "
    assert [e.line for e in events if isinstance(e, Remark) and e.line.startswith(why)]
    assert len(set((tmp_path / "diary.lost").read_text().splitlines())) == 3, "none of them twice"
    [one] = submission.submissions(store)
    told = workers(one.folder(store.root))
    assert (told[1].fate, told[1].runs, told[0].runs) == ("broken", 0, 8)
    assert told[1].message.startswith(why)


def test_where_all_nodes_are_broken_runs_stay_open(slurm: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    work = OnBrokenNode(diary=str(tmp_path / "diary"), broken="n1")
    order = Order(work, 1, engine="slurm", jobs=Jobs("grid", 1, {}, workers=1))
    with pytest.raises(BadInput, match=r"1 broken\): n1 leaves .* with --slurm exclude=n1$"):
        execute(two_arms(3), store, order)
    assert store.states() == {}


def test_of_two_that_submit_at_once_one_does(slurm: Path, tmp_path: Path) -> None:
    (slurm / "hold").touch()
    wanted = runs(range(4))
    jobs = Jobs("grid", 2, {"exclude": "n7"}, workers=1)
    order = Order(Quick(), 1, engine="slurm", jobs=jobs)
    Store(tmp_path / "results")

    def one(number: int) -> tuple[str, ...]:
        return submit(Store(tmp_path / "results"), order, wanted, {"n3", "n2"}).lines

    with ThreadPoolExecutor(3) as pool:
        lines = sorted(pool.map(one, range(3)))
    there = "job 1 (2 workers) already has 4 of these runs: they are not submitted again"
    assert lines == [(there,), (there,), ("submitted job 1: 2 workers for 4 runs",)]
    assert len(submission.submissions(Store(tmp_path / "results"))) == 1
    assert "#SBATCH --exclude=n7,n2,n3\n" in (slurm / "submitted.sh").read_text()


def test_from_python_a_study_is_trained_by_jobs(slurm: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys; print('top1:', 90 + len(sys.argv))\n")
    script = {
        "run": f"{sys.executable} -S train.py {{seed}} {{arguments}}",
        "metrics": {"top1": {"pattern": "top1: ([0-9.]+)"}},
    }
    study = tb.study(script=script, levels={"mixup": {"on": "--mixup"}}, seeds=2, name="mine")
    asked = {"engine": "slurm", "jobs": 2, "slurm": ["partition=a,mem=1G"]}
    found = tb.run(study, tmp_path / "results", quiet=True, workers=1, **asked)
    assert sorted(found.runs["accuracy"]) == [92.0, 92.0, 93.0, 93.0]
    assert "--partition=a" in (slurm / "submitted.sh").read_text()
    [one] = submission.submissions(Store(tmp_path / "results"))
    assert (one.study, one.jobs, one.runs) == ("mine", 2, 4)
    for bad, said in (
        ({"jobs": 2}, "--jobs is for --engine slurm, not for local"),
        ({"engine": "slurm"}, "give the number of jobs, such as --jobs 8"),
        ({"address": "here:1"}, "--address is for --engine ray, not for local"),
        ({"engine": "slrm"}, "did you mean slurm"),
    ):
        with pytest.raises(BadInput, match=said):
            tb.run(study, tmp_path / "results", quiet=True, **bad)


def test_detached_then_told_then_cancelled(cli, slurm: Path) -> None:  # type: ignore[no-untyped-def]
    (slurm / "hold").touch()
    done = cli(*SLURM, "--detach", "--slurm", "partition=gpu,time=1-00", "--json")
    assert done.code == 0, done.err
    assert "submitted job 1: 2 workers for 2 runs" in done.err
    assert "`tricks-bench cancel mine` ends them" in done.err
    assert json.loads(done.out)["interrupted"] is True
    text = (slurm / "submitted.sh").read_text()
    assert "--partition=gpu" in text
    assert "--time=1440" in text
    again = cli(*SLURM, "--detach")
    assert (
        "job 1 (2 workers) already has 2 of these runs: they are not submitted again" in again.out
    )
    assert "submitted job" not in again.out
    more = cli(*SLURM, "--detach", "--seeds", "2")
    assert "they are not submitted again" in more.out
    assert "submitted job 2: 2 workers for 2 runs" in more.out
    told = json.loads(cli("status", "--json").out)["jobs"]
    assert [(one["job"], one["jobs"], one["states"]) for one in told] == [
        ("1", 2, {"pending": 2}), ("2", 2, {"pending": 2}),
    ]  # fmt: skip
    assert "job 1 (slurm, 2 workers for 2 runs): 2 pending" in cli("status").out
    assert "cancelled job 1 (2 workers)\ncancelled job 2 (2 workers)\n" in cli("cancel", "mine").out
    assert cli("cancel").out == "no job of mine is waiting or running\n"
    assert "job 1 (slurm, 2 workers for 2 runs) (cancelled): 2 cancelled" in cli("status").out


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--engine", "slrm"), "unknown engine 'slrm': did you mean slurm?"),
        (("--engine", "slurm"), "--engine slurm: give the number of jobs, such as --jobs 8"),
        (("--engine", "slurm", "--jobs", "0"), "as --jobs 8, not 0"),
        (("--jobs", "2"), "--jobs is for --engine slurm, not for local"),
        (("--detach",), "--detach is for --engine slurm, not for local"),
        ((*SLURM[-4:], "--slurm", "partitoin=x"), "did you mean partition?"),
        ((*SLURM[-4:], "--slurm", "time=soon"), "--slurm time=soon: write minutes"),
        ((*SLURM[-4:], "--slurm", "array=1-3"), "--slurm array: --jobs says how many"),
        ((*SLURM[-4:], "--slurm", "gpu"), "--slurm gpu: write it as --slurm partition=gpu"),
        ((*SLURM[-4:], "--slurm", "signal=B"), "--slurm signal=B: write the seconds"),
        ((*SLURM[-4:], "--detach", "--until", "decided"), "--detach submits all runs at once"),
        ((*SLURM[-4:], "--detach", "--tune", "lr_scale=1,2"), "but --tune chooses later runs"),
        ((*SLURM[-4:], "--detach", "--equal", "time"), "but --equal chooses later runs"),
        ((*SLURM[-4:], "--save-models", "winner"), "--save-models winner trains one run again"),
        ((*SLURM[-4:], "--smoke"), "leave out --engine slurm"),
        ((*SLURM[-4:], "--slurm", "partition=nowhere"), "invalid partition specified: nowhere"),
    ],
)
def test_what_does_not_go_is_said_in_one_line(cli, flags: tuple[str, ...], text: str) -> None:  # type: ignore[no-untyped-def]
    done = cli(*GRID, *flags)
    assert done.code == 2
    assert text in done.err.splitlines()[-1]
    assert len([line for line in done.err.splitlines() if line.startswith("tricks-bench:")]) == 1


def test_the_engine_stands_in_a_study_file_and_the_command_line_wins(cli, slurm: Path) -> None:  # type: ignore[no-untyped-def]
    (slurm / "hold").touch()
    file = Path("mine.toml")
    study = 'task = "digits"\ntricks = ["cosine"]\nseeds = 1\nname = "filed"\n[set]\nepochs = 1\n'
    engine = '[engine]\nname = "slurm"\njobs = 2\nslurm = {partition = "a", mem = "2G"}\n'
    file.write_text(study + engine)
    done = cli("run", "--study", str(file), "--detach", "--slurm", "partition=b")
    assert done.code == 0, done.err
    text = (slurm / "submitted.sh").read_text()
    assert "--partition=b" in text
    assert "--mem=2G" in text
    ids = set(Path("results").glob("jobs/*/runs.jsonl").__next__().read_text().split('"id":"')[1:])
    file.write_text(study)
    plain = json.loads(cli("run", "--study", str(file), "--dry-run", "--json").out)
    assert plain["runs"] == len(ids) == 2
    for bad, said in (
        ("jbs = 2", "engine: unknown key 'jbs': did you mean jobs?"),
        ('jobs = "two"', "engine.jobs: "),
        ('name = "slurm"\njobs = 2\nslurm = {tme = 3}', "did you mean time"),
    ):
        file.write_text(f"{study}[engine]\n{bad}\n")
        done = cli("run", "--study", str(file), "--dry-run")
        assert done.code == 2
        assert said in done.err


def test_doctor_says_which_engines_can_be_used(
    slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.usable()["local"] == ""
    assert registry.usable()["slurm"] == ""
    (slurm / "squeue").unlink()
    monkeypatch.setenv("PATH", str(slurm))
    assert registry.usable()["slurm"] == "squeue is not on the PATH"


def test_file_systems_that_machines_share_are_known(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"a / ext4 rw 0 0\nb {tmp_path} nfs4 rw 0 0\nc {tmp_path}/own tmpfs rw 0 0\n")
    assert images.kind(tmp_path / "x", mounts) == "nfs4"
    assert images.kind(tmp_path / "own", mounts) == "tmpfs"
    assert images.kind(Path("/"), mounts) == "ext4"


def test_a_comma_in_a_value_is_none_between_parameters() -> None:
    assert parameters(["gres=gpu:1,license:2,mem=4G"]) == {"gres": "gpu:1,license:2", "mem": "4G"}
