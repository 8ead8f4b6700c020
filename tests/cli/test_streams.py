"""Outputs that cannot show all characters, are closed, or have lost their reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LINE = [sys.executable, "-c", "from runner.cli import main; main()"]


def shell(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`T` in the text is the command line of this program."""
    own = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = (
        f"T() {{ {sys.executable} $FLAGS -c 'from runner.cli import main; main()' \"$@\"; }}\n"
    )
    return subprocess.run(
        ["bash", "-c", command + text], cwd=folder, env=own, capture_output=True, text=True,
        errors="replace", timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "FLAGS": "-X utf8=0"},
    ],
)
def test_characters_that_an_encoding_lacks_are_replaced(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Help, results, JSON and a user's mistake."""
    said = shell(
        "T run --help; T show mixup && T list tricks && T show mixup --json; "
        "T show caf\u00e9-\u0394",
        tmp_path,
        **environment,
    )
    assert "Traceback" not in said.stderr
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "unknown trick" in said.stderr
    assert "?" in said.stdout
    assert "Zhang" in said.stdout


def test_outputs_that_are_closed_are_no_traceback(tmp_path: Path) -> None:
    said = shell(
        "T list tricks >&-; echo $?; T list tricks 2>&- >/dev/null; echo $?; T list nothing 2>&-; "
        "echo $?; T status <&- >&- 2>&-; echo $?",
        tmp_path,
    )
    assert (said.stdout.split(), said.stderr) == (["0", "0", "2", "2"], "")


def test_nothing_else_becomes_the_output_that_was_closed(tmp_path: Path) -> None:
    """Otherwise the first opened file would become the output, and children would print into it."""
    code = (
        "import os, sys\nfrom runner import streams\nstreams.mend()\n"
        "file = os.open('kept', os.O_CREAT | os.O_WRONLY)\nassert file > 2\n"
        "print('text')\nos.system('echo child')\nassert sys.stdin.read() == ''\n"
    )
    run = f'{sys.executable} -c "$CODE" <&- >&- 2>&-; echo $?'
    assert shell(run, tmp_path, CODE=code).stdout == "0\n"
    assert (tmp_path / "kept").read_bytes() == b""


def test_a_reader_that_leaves_early_is_no_traceback(tmp_path: Path) -> None:
    said = shell(
        "T list tricks | true; echo ${PIPESTATUS[0]}; T run --help | true; echo ${PIPESTATUS[0]}",
        tmp_path,
    )
    assert (said.stdout, said.stderr) == ("0\n0\n", "")


def test_a_grid_goes_on_without_a_reader_and_says_how_it_ended(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom runner.execution.progress import Progress\n"
        "from runner.execution.events import Finished\nfrom runner import streams\n"
        "import time\ntime.sleep(1)\n"
        "with Progress(3) as told:\n"
        "    for n in range(3):\n        told(Finished(str(n), 'x', 'ok', None, 1.0, None))\n"
        "streams.let_go()\nsys.exit(5)\n"
    )
    said = shell(
        f'{sys.executable} -c "$CODE" | true; echo ${{PIPESTATUS[0]}}', tmp_path, CODE=code
    )
    assert (said.stdout, said.stderr) == ("5\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_closed_terminal_ends_a_command_as_ctrl_c_does(
    tmp_path: Path, number: int, ignored: bool
) -> None:
    """It waits for a pipe, like a `predict` that waits for images; under `nohup` it continues."""
    os.mkfifo(tmp_path / "t.csv")
    handled = signal.SIG_IGN if ignored else signal.SIG_DFL  # whatever the tests were started by
    process = subprocess.Popen(
        [*LINE, "analyze", "t.csv"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, handled),
    )  # fmt: skip
    writer = os.open(tmp_path / "t.csv", os.O_WRONLY)  # once it reads
    time.sleep(0.2)
    process.send_signal(number)
    if ignored:
        time.sleep(0.5)
        assert process.poll() is None
        process.kill()
    _, err = process.communicate(timeout=60)
    os.close(writer)
    assert err == ("" if ignored else "interrupted\n")
    assert process.returncode == (-signal.SIGKILL if ignored else 130)
