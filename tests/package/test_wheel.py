"""The wheel, built from the sdist, works in a separate environment, outside this folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = ("--set", "epochs=1", "--set", "train_images=64")
API = """
import tricks_bench as tb
found = tb.load("tiny")
assert len(found.runs) == 4, found.runs
print(tb.__file__, found.analysis("val_accuracy").effects["label"].tolist())
"""


def built(function, folder, out):
    """The file that a hook of the build backend makes in `out`, from the sources in `folder`."""
    code = f"from setuptools import build_meta; print(build_meta.{function}({str(out)!r}))"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    place = tmp_path_factory.mktemp("package")
    kept = shutil.ignore_patterns(".*", "*.egg-info", "results", "reports", "build", "dist")
    shutil.copytree(ROOT, place / "sources", ignore=kept)
    sdist = built("build_sdist", place / "sources", place)
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    return built("build_wheel", place / sdist.name.removesuffix(".tar.gz"), place)


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"runner", "tricks", "tricks_bench.py"}
    for needed in ("runner/py.typed", "tricks/py.typed", "tricks/costs.csv",
                   "runner/studies/intel.toml", "runner/reporting/html/page.html.j2"):  # fmt: skip
        assert needed in names, needed


@pytest.mark.slow
def test_it_runs_where_nothing_else_of_this_folder_is(wheel, tmp_path):
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "parent.pth").write_text(sysconfig.get_path("purelib"))  # what it depends on
    program = place / "bin" / "python"
    line = [program, "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", wheel]
    subprocess.run(line, check=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    here = tmp_path / "here"
    here.mkdir()

    def call(*words):
        done = subprocess.run(
            words, cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tool = place / "bin" / "tricks-bench"
    call(tool, "run", "--tricks", "cosine", "--seeds", "2", "--name", "tiny", *TINY)
    call(tool, "report", "--format", "html")
    assert "<html" in (here / "reports" / "tiny" / "report.html").read_text()
    assert "50" in call(tool, "run", "--study", "digits-learning-rates", "--dry-run")
    assert str(place) in call(program, "-c", API)
