"""The command line in this process, in a folder with a script that trains nothing."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.cli import call
from runner.records.store import Store

# Its accuracy follows from its arguments: --gain 2 is worth 2 pp, a seed some hundredths.
SCRIPT = """
import json, os, sys
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
out, seed = words["--out"], int(words.get("--seed", 0))
accuracy = 90 + float(words.get("--gain", 0)) + seed % 97 / 100
print("started\\nval: %.2f" % (accuracy - 1), flush=True)
json.dump({"top1": accuracy, "deep": {"loss": 100 - accuracy}, "said": sys.argv[1:],
           "lr": words.get("--lr"), "variable": os.environ.get("TRICK"),
           "word": "abc"}, open(out + "/result.json", "w"))
"""


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path, monkeypatch, capfd):
    """cli("run", ...) -> Result, in a folder with train.py and `results` as the store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(*arguments):
        capfd.readouterr()
        code = call([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


PYTHON = sys.executable
RUN = f"{PYTHON} -S train.py --seed {{seed}} --out {{out}} {{arguments}}"
LONE = '{file = "{out}/result.json", key = "top1"}'
TOP1 = f"top1={LONE}"
VAL = 'val_top1={pattern = "val: ([0-9.]+)", role = "validation"}'


@pytest.fixture
def asked():
    """Flags of a study of one factor: asked("--seeds", 2)."""

    def flags(*more, run=RUN, level="gain.on=--gain 2", metric=TOP1):
        return [
            "run", "--script", run, "--level", level, "--metric", metric, "--workers", 1,
            "--name", "s", "--seeds", 1, *more,
        ]  # fmt: skip

    return flags


@pytest.fixture
def records(tmp_path):
    """The records of the store, by label."""

    def read():
        store = Store(tmp_path / "results", create=False)
        return {record["id"]: record for id in store.ids() if (record := store.read(id))}

    return read


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path
