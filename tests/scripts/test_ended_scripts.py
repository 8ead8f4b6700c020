"""Scripts that are ended: SIGTERM first, then SIGKILL, with all that they started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.scripts.process import Output, carried_out
from tests.scripts.conftest import PYTHON

ROOT = Path(__file__).parents[2]
# It starts a process of its own, and tells the numbers of both.
FAMILY = """
import os, signal, subprocess, sys, time
{how}
code = "import signal, time; {deaf}; time.sleep(60)"
child = subprocess.Popen([sys.executable, "-S", "-c", code])
open("pids", "w").write(f"{{os.getpid()}} {{child.pid}}")
print("ready", flush=True)
time.sleep(60)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def gone(pid):
    """Whether the process has ended, or is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def call(folder, grace, stop, code):
    (folder / "train.py").write_text(code)
    lines = []
    output = Output(lines.append)
    ended = carried_out(
        [PYTHON, "-S", "train.py"], os.environ, folder, grace, output, stop, tick=0.05
    )
    return ended, lines


@pytest.mark.parametrize("deaf", [False, True])
def test_a_script_and_all_that_it_started_are_ended(tmp_path, deaf):
    how = DEAF if deaf else ""
    code = FAMILY.format(how=how, deaf=how or "1")
    began = time.monotonic()
    ended, lines = call(tmp_path, 0.3, lambda: (tmp_path / "pids").exists(), code)
    assert lines == ["ready"] or not lines
    assert ended.status == (-signal.SIGKILL if deaf else -signal.SIGTERM)
    assert time.monotonic() - began < 20
    wait_until(lambda: all(map(gone, (tmp_path / "pids").read_text().split())))


def test_a_script_may_put_its_things_in_order(tmp_path):
    code = (
        "import signal, sys, time\n"
        "def leave(*_):\n    open('saved', 'w'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\nopen('ready', 'w')\ntime.sleep(60)\n"
    )
    ended, _ = call(tmp_path, 20, lambda: (tmp_path / "ready").exists(), code)
    assert ended.status == 0
    assert (tmp_path / "saved").exists()


def test_what_a_script_leaves_behind_ends_with_it(tmp_path):
    code = FAMILY.format(how="", deaf="1").replace("time.sleep(60)\n", "")
    ended, lines = call(tmp_path, 5, lambda: False, code)
    assert (ended.status, lines) == (0, ["ready"])
    wait_until(lambda: gone((tmp_path / "pids").read_text().split()[1]))


def test_costs_are_those_of_all_its_processes(tmp_path):
    busy = "x = sum(i * i for i in range(10**6)); y = bytearray(80 << 20)"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {busy!r}])\n"
    ended, _ = call(tmp_path, 5, lambda: False, code)
    assert ended.status == 0
    assert ended.cpu > 0.02
    assert ended.memory_mb > 80


def test_lines_are_told_as_they_come_and_the_last_ones_kept(tmp_path):
    ended, lines = call(tmp_path, 5, lambda: False, "print('a\\rb\\nc', end='')")
    assert (ended.status, lines) == (0, ["a", "b", "c"])
    kept = Output(lambda line: None)
    read, write = os.pipe()
    held = os.dup(1)
    os.dup2(write, 1)
    try:
        for number in range(3):
            kept.add(f"{number} {'x' * 15_000}\n".encode())
    finally:
        os.dup2(held, 1)
        for one in (read, write, held):
            os.close(one)
    assert kept.tail.startswith("2 ")
    assert len(kept.tail) < 20_000


STEPS = """
import os, pathlib, sys, time
out, resume = pathlib.Path(sys.argv[1]), sys.argv[2]
done = out / "done"
start = int(done.read_text()) if resume == "true" and done.exists() else 0
open("starts", "a").write(f"{start} ")
for epoch in range(start, 6):
    time.sleep(0.2)
    done.write_text(str(epoch + 1))
    print("epoch", epoch, flush=True)
print("acc: 90.0")
"""


@pytest.fixture
def study(tmp_path):
    """A study of the baseline and one arm, whose script can resume."""
    (tmp_path / "train.py").write_text(STEPS)
    (tmp_path / "study.toml").write_text(f"""
        seeds = 1
        [script]
        run = "{PYTHON} -S train.py {{out}} {{resume}} {{seed}} {{arguments}}"
        grace_seconds = 1
        metric = {{ pattern = "acc: (.+)" }}
        [levels.x]
        on = "--x"
        """)
    return tmp_path


def run(folder, *more):
    """The command in a separate process."""
    words = ["run", "--study", "study.toml", "--workers", "1", *more]
    code = f"import sys; from runner.cli import call; sys.exit(call({words!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_what_its_script_saved(study):
    first = run(study)
    wait_until(lambda: list(study.rglob("done")))
    first.send_signal(signal.SIGINT)
    told = first.communicate(timeout=60)[0]
    assert first.returncode == 130, told
    saved = int(next(study.rglob("done")).read_text())
    assert 0 < saved < 6
    again = run(study)
    told = again.communicate(timeout=60)[0]
    assert again.returncode == 0, told
    assert (study / "starts").read_text().split() == ["0", str(saved), "0"]


@pytest.mark.slow
def test_a_killed_runner_takes_its_script_with_it_and_the_run_is_done_again(study):
    file = study / "study.toml"
    file.write_text(file.read_text().replace(" {resume}", " no"))
    tells = "import os; open('pid', 'w').write(str(os.getpid()))\n"
    (study / "train.py").write_text(tells + STEPS)
    first = run(study)
    wait_until(lambda: list(study.rglob("done")))
    first.kill()
    first.wait()
    wait_until(lambda: gone((study / "pid").read_text()))
    again = run(study)
    told = again.communicate(timeout=120)[0]
    assert again.returncode == 0, told
    assert set((study / "starts").read_text().split()) == {"0"}


@pytest.mark.slow
@pytest.mark.parametrize(("key", "state"), [("stall_minutes", "infra"), ("wall_minutes", "failed")])
def test_a_script_that_takes_too_long_is_ended(study, key, state):
    (study / "train.py").write_text("import time\ntime.sleep(100)")
    file = study / "study.toml"
    file.write_text(file.read_text().replace("[script]", f"[script]\n{key} = 0.01"))
    done = run(study)
    told = done.communicate(timeout=100)[0]
    assert done.returncode == 1, told
    assert f"2 {state}" in told
    why = {"infra": "printed nothing for 1 s", "failed": "ended after 0.01 minutes"}[state]
    assert why in told
