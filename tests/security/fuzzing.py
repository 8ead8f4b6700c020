"""Inputs made up by hypothesis, for every reader of text or bytes: a result or one clear line.

`fuzz(name, examples)` tries that many inputs on one of TARGETS and counts the outcomes. Any other
exception is a fault, and hypothesis shows the smallest input that causes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.cli import call
from runner.records import index
from runner.records.export import evidence
from runner.records.store import Store
from tests.security.made_up import (
    GOLDEN,
    GOOD,
    cells,
    exports,
    joined,
    records,
    stored,
    studies,
    tables,
    text,
    words,
)
from tricks.bag import parse, registry
from tricks.errors import BadInput


def _line(*arguments: str) -> str:
    """Do a command. Returns "refused" (with one line) or "result". Other errors are raised."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = call(list(arguments))
    if code == 2:
        said = [line for line in err.getvalue().split("\n") if line.startswith("tricks-bench: ")]
        assert len(said) == 1, err.getvalue()
        assert len(said[0]) > 20, said
        return "refused"
    assert code in (0, 1), code
    if "--json" in arguments:
        json.loads(out.getvalue())
    return "result"


def _tricks(value: str, place: Path) -> str:
    try:
        trick = parse(value)
    except BadInput:
        return "refused"
    assert parse(str(trick)) == trick
    return "result"


def _dry_run(*arguments: str) -> str:
    return _line("run", "--dry-run", "--json", *arguments)


def without_none(value: Any) -> Any:
    """`value` without None, which TOML lacks."""
    if isinstance(value, dict):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value if item is not None]
    return value


def _study(value: dict[str, Any] | str, place: Path) -> str:
    file = place / "mine.toml"
    if isinstance(value, str):
        file.write_text(value, encoding="utf-8", errors="replace")
    else:
        import tomli_w

        try:
            file.write_bytes(tomli_w.dumps(without_none(value)).encode(errors="replace"))
        except (TypeError, ValueError):
            return "not TOML"
    return _dry_run("--study", str(file))


def _table(value: str | bytes, place: Path) -> str:
    file = place / "runs.csv"
    data = value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
    file.write_bytes(data)
    return _line("analyze", str(file), "--json")


def _golden(place: Path) -> Store:
    shutil.rmtree(place / "results", ignore_errors=True)
    shutil.copytree(GOLDEN / "results", place / "results")
    (place / "results" / "index.csv").unlink()
    return Store(place / "results", create=False)


def _readers(place: Path) -> str:
    """All readers of a store; "refused" if any of them refuses it."""
    results = ["--results", str(place / "results")]
    with mock.patch("runner.reporting.plotting.draw", return_value=None):
        said = [
            _line("status", "--json", *results),
            _line("analyze", "--json", *results),
            _line("report", "--out", str(place / "report"), *results),
            _line("doctor", str(place / "results"), "--json"),
            _line("run", "--dry-run", "--study", "golden", *results),
        ]
    return "refused" if "refused" in said else "result"


def sealed(record: Any) -> bytes:
    """Arbitrary bytes with a correct checksum."""
    body = json.dumps(record, separators=(",", ":")).encode(errors="surrogatepass")[:-1]
    return body + f',"checksum":"{hashlib.sha256(body).hexdigest()}"}}\n'.encode()


def _record(value: dict[str, Any] | bytes, place: Path) -> str:
    store = _golden(place)
    id = GOOD["id"]
    forged = value if isinstance(value, bytes) else sealed({**GOOD, **value})
    store.path(id).write_bytes(forged)
    with contextlib.suppress(BadInput):  # such as that of a newer schema
        store.read(id)
        store.rows()
        evidence(store, "golden")
    return _readers(place)


def _index(value: dict[str, Any] | bytes, place: Path) -> str:
    store = _golden(place)
    truth = store.rows()
    path = place / "results" / "index.csv"
    if isinstance(value, bytes):
        path.write_bytes(value)
        assert store.rows() == truth
        return "result"
    columns: dict[str, Any] = {**index.read(path)}
    column, row, cell = value["column"], value["row"], value["cell"]
    columns[column] = [cell if i == row else c for i, c in enumerate(columns[column])]
    with contextlib.suppress(Exception):  # what cannot be written is no index
        index.save(path, columns)
    store.rows()
    return _readers(place)


def _stored_study(value: dict[str, Any], place: Path) -> str:
    """A study with arbitrary content and correct checksums."""
    import tomllib

    import tomli_w

    from runner.records.study_files import write_pair

    _golden(place)
    folder = place / "results" / "studies" / "golden"
    asked = tomllib.loads((folder / "study.toml").read_text())
    asked = {k: v for k, v in asked.items() if "sha256" not in k}
    runs = (folder / "runs.csv").read_text()
    try:
        tomli_w.dumps(without_none({**asked, **value["asked"]})).encode()
        runs = runs.replace(*value["swap"]).encode().decode()
    except (TypeError, ValueError):
        return "not TOML"
    change = without_none({**asked, **value["asked"]})
    write_pair(folder, change.pop("saved", ""), change, runs.encode())
    return _readers(place)


def _export(value: tuple[str, bytes | str], place: Path) -> str:
    import gzip

    name, data = value
    folder = place / "out"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GOLDEN / "export", folder)
    (folder / "SHA256SUMS").unlink()
    content = data if isinstance(data, bytes) else data.encode(errors="surrogatepass")
    if name == "runs.csv" and isinstance(data, str):
        content = (folder / name).read_bytes().replace(b"off", content)
    if name == "records.jsonl.gz" and isinstance(data, str):
        with contextlib.suppress(ValueError, TypeError):  # no JSON, or no object: as it is
            content = json.dumps({**GOOD, **json.loads(data)}).encode()
    packed = name.endswith(".gz") and isinstance(data, str)
    (folder / name).write_bytes(gzip.compress(content) if packed else content)
    with mock.patch("runner.reporting.plotting.draw", return_value=None):
        said = [
            _line("analyze", str(folder), "--json"),
            _line("report", str(folder), "--out", str(place / "report")),
            _line("doctor", str(folder), "--json"),
        ]
    return "refused" if "refused" in said else "result"


Action = Callable[[Any, Path], str]
TARGETS: dict[str, tuple[st.SearchStrategy[Any], Action]] = {
    "tricks": (
        joined | st.builds(
            lambda name, inner: f"{name}({inner})", st.sampled_from(sorted(registry())), joined
        ),
        _tricks,
    ),
    "options": (
        st.tuples(st.sampled_from(["--set", "--factor", "--tricks", "--order", "--reference"]),
                  joined | st.tuples(words, text).map("=".join))
        | st.tuples(st.sampled_from(["--set=lr_scale", "--factor=lr_scale", "--set=epochs"]),
                    st.lists(st.floats(0.01, 9).map(str) | text, max_size=3).map(",".join)),
        lambda value, place: _dry_run(f"{value[0]}={value[1]}"),
    ),
    "study.toml": (studies | st.text(max_size=60) | joined, _study),
    "tables": (tables() | st.binary(max_size=60) | joined, _table),
    "records": (records | st.binary(max_size=200), _record),
    "index": (cells | st.binary(max_size=200), _index),
    "stored studies": (stored, _stored_study),
    "exports": (exports, _export),
}  # fmt: skip


def fuzz(name: str, examples: int, derandomize: bool = False) -> Counter[str]:
    """Try `examples` inputs on a target. Returns counts of "refused", "result" and others."""
    strategy, action = TARGETS[name]
    found: Counter[str] = Counter()
    memory = Path("/dev/shm")

    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:

        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=derandomize,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def once(value: Any) -> None:
            with warnings.catch_warnings(), contextlib.chdir(folder):
                warnings.simplefilter("ignore")
                found[action(value, Path(folder))] += 1

        once()
    return found
