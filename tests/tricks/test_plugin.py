"""A third party's trick from one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tricks import BadInput, load_plugin, registry

PLUGIN = '''
"""Ten times the decay."""
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
from tricks import Edits, Trick
from tricks.optimizer.sgd import SGD

@dataclass(frozen=True)
class HeavyDecay(Trick):
    """Decay the weights ten times as much."""

    name: ClassVar[str] = "heavy-decay"
    source: ClassVar[str] = "here"

    times: float = 10.0

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": SGD(decay=5e-4 * self.times)}, adds={"transforms": self})
'''

# In a process of its own, so that the registry of the other tests stays as it is.
LOAD = """
import shutil, sys
from tricks import compose, load_plugin, parse, Recipe, registry, find
from tricks.bag import recipe_from_json
from tricks.recipe import to_json
from runner.records.spec import RunSpec

def spec():
    return RunSpec({}, compose(Recipe(), [parse("heavy-decay(times=20)")]), 0)

for path in sys.argv[1:]:
    load_plugin(path)
    trick, one = find("heavy-decay"), spec()
    load_plugin(path)
    assert find("heavy-decay") is trick
    assert spec().id == one.id
    assert RunSpec.from_json(one.to_json()) == one
    assert list(registry())[-1] == "heavy-decay"
    assert trick.group() == "plugin"
print(one.id)
"""


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "heavy decay.py"
    file.write_text(PLUGIN)
    return file


def load(*paths):
    return subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, paths)], capture_output=True, text=True, timeout=60
    )


def test_loading_twice_or_from_elsewhere_leaves_the_id(plugin, tmp_path):
    first = load(plugin, plugin)
    assert first.returncode == 0, first.stderr
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    moved = folder / "another_name.py"
    moved.write_text(PLUGIN)
    assert load(moved).stdout == first.stdout
    assert len(first.stdout.strip()) == 16


def test_another_source_is_told_and_leaves_the_id(plugin):
    code = LOAD + (
        "from tricks.loading import plugin_sources\n"
        "assert plugin_sources(compose(Recipe(), [parse('cosine'), parse('mixup')])) == {}\n"
        "print(plugin_sources(spec().recipe))\n"
    )
    said = []
    for source in (PLUGIN, PLUGIN.replace("\n    def", "\n    # as before\n    def")):
        plugin.write_text(source)
        done = subprocess.run([sys.executable, "-c", code, plugin], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines())
    (id, first), (same, other) = said
    assert id == same
    assert first != other
    assert first.startswith("{'heavy-decay': '")


def test_two_files_with_one_name_are_bad_input(plugin, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(PLUGIN)
    both = load(plugin, other)
    assert both.returncode == 1
    assert "two tricks are called 'heavy-decay'" in both.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (PLUGIN.replace('"heavy-decay"', '"mixup"'), "two tricks are called 'mixup'"),
        (PLUGIN.replace('"heavy-decay"', '""'), "HeavyDecay has no name"),
        (PLUGIN.split("    def edits")[0], "trick heavy-decay has no method edits"),
        (PLUGIN.replace(" = 10.0", ""), "parameter times has no default"),
        (PLUGIN.replace("= 10.0", "= float('inf')"), "default of times must be a finite number"),
        (PLUGIN.replace('"here"', '""'), "heavy-decay has no source"),
        (PLUGIN.replace("SGD(decay=5e-4 * self.times)", "3"), "must be a trick, not 3"),
        (PLUGIN.replace('{"optimizer": SGD(', '{"epochs": dict('), "epochs of heavy-decay must be"),
        (
            PLUGIN.replace('{"optimizer": SGD(decay=5e-4 * self.times)', '{"epochs": 0'),
            "trick heavy-decay: epochs must be at least 1",
        ),
        (PLUGIN.replace("return Edits(", "return dict("), "not Edits"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_bad_input(tmp_path, content, message):
    file = tmp_path / "plugin.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadInput, match=message) as caught:
        load_plugin(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "heavy-decay" not in registry()


# A process of its own again.
COMPOSE = """
import sys
from tricks import BadInput, compose, load_plugin, parse, Recipe
load_plugin(sys.argv[1])
for text in ("times-epochs(times=0)", "times-epochs(times=7)", "times-epochs(times=8)"):
    try:
        compose(Recipe(), [parse(text)])
    except BadInput as error:
        print(error)
"""
EPOCHS = PLUGIN.replace("heavy-decay", "times-epochs").split("        return")[0] + (
    "        by = {7.0: 'x', 8.0: None}.get(self.times, int(self.times))\n"
    '        return Edits(sets={"epochs": by if self.times != 8 else 1 / 0})\n'
)


def test_edits_that_go_wrong_name_the_trick_and_its_file(tmp_path):
    file = tmp_path / "plugin.py"
    file.write_text(EPOCHS.replace("10.0", "20.0"))
    command = [sys.executable, "-c", COMPOSE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    said = done.stdout.splitlines()
    for line, times, reason in zip(
        said, (0, 7, 8), ("at least 1", "must be a whole number, not 'x'", "ZeroDivisionError"),
        strict=True,
    ):  # fmt: skip
        assert f"the trick times-epochs(times={times}.0) in {file}: " in line
        assert reason in line


def test_a_broken_installed_plugin_is_left_out_with_one_line(tmp_path):
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tricks_bench.tricks]\nmine = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text("1 / 0")
    code = f"import sys; sys.path.append({str(tmp_path)!r})\nfrom tricks import bag, loading\n"
    code += "print(len(bag.registry()), loading.broken())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    left_out = {"mine (broken_plugin)": "ZeroDivisionError: division by zero"}
    assert done.stdout == f"{len(registry())} {left_out}\n"
    assert done.stderr.count("\n") == 1
    assert "plug-in mine (broken_plugin) is broken" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("exit()", "ends the program as it is loaded"),
        ("raise SystemExit(3)", r"ends the program as it is loaded \(3\)"),
        ("import os\nos._exit(0)", r"ends the program as it is loaded \(0\)"),
        ("from os import _exit\n_exit(7)", r"ends the program as it is loaded \(7\)"),
        ("import time\ntime.sleep(60)", r"was not loaded within 0\.3 s: it hangs"),
        (
            "while True:\n    try:\n        pass\n    except Exception:\n        pass",
            r"was not loaded within 0\.3 s: it hangs",
        ),
    ],
)
def test_a_file_that_exits_or_hangs_is_named_in_one_line(tmp_path, monkeypatch, content, told):
    monkeypatch.setattr("tricks.guest.PATIENCE", 0.3)
    file = tmp_path / "plugin.py"
    file.write_text("import builtins, sys\nexit = sys.exit\n" + content)
    own, handler = os._exit, signal.getsignal(signal.SIGALRM)
    timer = signal.getitimer(signal.ITIMER_REAL)  # pytest's own
    with pytest.raises(BadInput, match=told) as caught:
        load_plugin(file)
    assert str(caught.value).startswith(f"--plugin {file} ")
    assert "\n" not in str(caught.value)
    assert (os._exit, signal.getsignal(signal.SIGALRM)) == (own, handler)
    assert signal.getitimer(signal.ITIMER_REAL) == pytest.approx(timer, abs=30)


def test_what_hangs_outside_of_python_ends_the_process_with_a_line(tmp_path):
    """A lock of another thread, or C code that never checks for signals."""
    (tmp_path / "plugin.py").write_text(
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "time.sleep(60)\n"
    )
    code = (
        "import sys\nfrom tricks import guest, load_plugin\nguest.PATIENCE = guest.GRACE = 0.2\n"
        "load_plugin(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "plugin.py"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "plugin.py was not loaded within 0.2 s" in done.stderr
