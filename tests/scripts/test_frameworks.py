"""The study files in docs/examples/: all are read; the files of Keras and Lightning are run."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from runner.records.store import Store
from runner.studies.asked import read
from runner.studies.script_study import build_script

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PACKAGES = ("keras>=3", "lightning>=2.4", "jsonargparse[signatures]>=4.27")


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_is_a_study(file):
    study = build_script(read(file), ROOT)
    assert study.name == file.stem
    assert study.runs > 1


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A folder with a `python` that has Keras and Lightning in addition to this one's packages."""
    place = tmp_path_factory.mktemp("frameworks")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "parent.pth").write_text(sysconfig.get_path("purelib"))
    program = place / "bin" / "python"
    subprocess.run([program, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return place / "bin"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["keras-digits", "lightning-digits"])
def test_a_frameworks_example_runs(python, tmp_path, name):
    path = f"{python}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    words = [
        "run",
        "--study",
        str(EXAMPLES / f"{name}.toml"),
        "--results",
        str(tmp_path / "results"),
    ]
    code = f"import sys; from runner.cli import call; sys.exit(call({[*words, '--seeds', '1']!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(tmp_path / "results", create=False)
    records = [store.record(id) for id in store.ids()]
    assert [record.state for record in records] == ["ok", "ok"]
    for record in records:
        assert record.val_accuracy > 20
        assert len(record.epochs) >= 2
        assert record.versions[name.partition("-")[0]]
