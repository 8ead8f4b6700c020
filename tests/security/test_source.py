"""The source code never runs data that it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    p for folder in ("tricks", "runner", "benchmarks") for p in (ROOT / folder).rglob("*.py")
)
# What loads code with data, unpacks archives or fetches: torchvision does the latter two.
MODULES = {
    "pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml",
    "tarfile", "zipfile", "urllib", "requests", "xmlrpc", "telnetlib", "ftplib",
}  # fmt: skip
# They read archives member by member (tests/images/test_archives.py attacks that), look at sizes
# before unpacking, and read a script's YAML by the loader that makes plain values only.
MAY = {
    "runner/images/archives.py": {"import tarfile", "import zipfile"},
    "runner/records/examples.py": {"import zipfile"},
    "runner/training/initial_weights.py": {"import zipfile"},
    "runner/scripts/config_file.py": {"import yaml"},
    # It quotes the links of reports, and fetches nothing.
    "runner/reporting/html/page.py": {"import urllib.parse"},
    "runner/reporting/markdown.py": {"import urllib.parse"},
}
NAMES = {
    "eval",
    "exec",
    "compile",
    "yaml.load",
    "yaml.unsafe_load",
    "__import__",
    "os.system",
    "os.popen",
    "system",
    "popen",
}
ATTRIBUTES = {"read_pickle", "to_pickle", "unpack_archive", "extractall"}


def faults(source: str) -> Iterator[str]:
    """Forbidden operations in a source file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            names = [str(node.module)] if isinstance(node, ast.ImportFrom) else names
            yield from (f"import {n}" for n in names if n.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
        called = ast.unparse(node.func)
        if (
            called in NAMES
            or called in ("yaml.load", "yaml.unsafe_load")
            or called.rpartition(".")[2] in ATTRIBUTES
        ):
            yield called
        loads = called in ("torch.load", "load_state_dict_from_url", "torch.hub.load")
        if loads and keywords.get("weights_only") != "True":
            yield called
        if keywords.get("shell", "False") != "False" or keywords.get("allow_pickle") == "True":
            yield f"{called} with {keywords}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path: Path) -> None:
    assert set(faults(path.read_text())) == MAY.get(str(path.relative_to(ROOT)), set())


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "eval(x)", "exec(x)", "torch.load(f)",
        "torch.load(f, weights_only=False)", "subprocess.run(x, shell=True)", "import yaml",
        "yaml.load(f)",
        "np.load(f, allow_pickle=True)", "pd.read_pickle(f)", "os.system(x)", "t.extractall()",
    ],
)  # fmt: skip
def test_the_scan_sees(source: str) -> None:
    assert list(faults(source))


def test_the_scan_lets_pass_what_may() -> None:
    source = "model.eval(); torch.load(f, weights_only=True); ast.literal_eval(x); torch.compile(m)"
    assert list(faults(source)) == []
