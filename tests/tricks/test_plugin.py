"""A third party's trick from one file."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tricks import BadInput, load_plugin

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
from tricks.trick import recipe_from_json
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
