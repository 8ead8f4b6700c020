"""The house keeps its order: imports go down, files stay small, light commands need no torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner import cli

ROOT = Path(__file__).parent.parent
# From the top: each room imports from those below it, and from itself.
FLOORS = (
    ("cli", "commands", "api"), ("inference",), ("exporters",), ("launch",), ("reporting",),
    ("planning",), ("studies",), ("tasks",), ("training",), ("scripts",), ("images",),
    ("execution",), ("records",), ("analysis",), ("designs",), ("text", "streams"),
)  # fmt: skip
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
LARGEST = 320  # lines; most are far below
LARGEST_OF_TESTS = 300
FILES = sorted(path for folder in ("tricks", "runner") for path in (ROOT / folder).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]


def module(path):
    """`runner/tasks/folder.py` -> `runner.tasks.folder`; a package by its own name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in FILES}


def imported(tree):
    """Modules that a file imports, at its top or inside functions, but not only for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)
        yield from imported(node)


IMPORTS = {
    name: sorted({found for found in imported(ast.parse(path.read_text())) if found in MODULES})
    for name, path in MODULES.items()
}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name):
    top, *place = name.split(".")
    for found in IMPORTS[name]:
        other, *there = found.split(".")
        if other != "runner":
            continue
        assert top == "runner", f"tricks/ imports {found}"
        if place and there:
            assert FLOOR[place[0]] <= FLOOR[there[0]], f"it imports {found}, which is above it"


def circles(imports):
    """Sets of modules that import each other in a circle."""

    def reach(name):
        seen, left = set(), [name]
        while left:
            for found in imports[left.pop()]:
                if found not in seen:
                    seen.add(found)
                    left.append(found)
        return seen

    reached = {name: reach(name) for name in imports}
    return {
        frozenset({name, *(x for x in reached[name] if name in reached[x])})
        for name in imports
        if name in reached[name]
    }


def test_circles_are_found():
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["a"]}) == {frozenset("bc")}


def test_no_files_import_each_other_in_a_circle():
    assert not circles(IMPORTS)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= LARGEST


def test_files_of_tests_stay_small():
    lines = {p: len(p.read_text().splitlines()) for p in (ROOT / "tests").rglob("*.py")}
    assert [path for path, count in lines.items() if count > LARGEST_OF_TESTS] == []


def test_every_room_has_a_floor():
    rooms = {
        path.relative_to(ROOT / "runner").with_suffix("").parts[0]
        for path in (ROOT / "runner").rglob("*.py")
    }
    assert rooms - {"__init__"} <= set(FLOOR)


# Files that read or write files or JSON, where values of any type come in or go out.
DOORS = {
    "analysis/to_json": "what --json says of an analysis, from its dataclasses",
    "records/checkpoints": "the first line of a checkpoint",
    "records/claims": "what the owner of a claim wrote into it",
    "records/export": "records of an export, handed on whole",
    "records/index": "columns of index.csv",
    "records/json_values": "numbers of NumPy made JSON values",
    "records/merge": "records as JSON values, handed on whole from store to store",
    "records/record": "a record as the JSON values of its file",
    "records/record_schema": "a record from its JSON values",
    "records/spec": "a run for another process",
    "records/store": "records as JSON values, to be written or handed on whole",
    "records/study_files": "study.toml",
    "records/study_toml": "TOML values, and keys that a newer version wrote",
    "scripts/config_file": "the content of a YAML, JSON or TOML file, and of its copy",
    "tasks/datasets": "what data sets of other libraries give",
    "training/checkpoint": "the content of a checkpoint",
    "training/step": "states of optimizers, as torch writes them to a checkpoint",
}
OF_PYTHON = {"__eq__", "__getattr__"}  # their types are the language's
MOST_PARAMETERS = 7
WIDE = {"training/batches.batches"}  # the one way to images, for training and evaluation alike
COMMANDS = {name.rpartition(".")[2] for name in cli.COMMANDS.values()}


def untyped(annotation):
    """Whether a type is untyped: Any or object, or contains one of these."""
    if isinstance(annotation, ast.Call):  # of typer, whose help is text
        return False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return untyped(ast.parse(annotation.value, mode="eval").body)
    name = getattr(annotation, "id", getattr(annotation, "attr", ""))
    return name in ("Any", "object") or any(map(untyped, ast.iter_child_nodes(annotation)))


def functions(tree):
    """(function, its parameters but self and cls) for each function in a file."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            yield node, [x for x in every if x is not None and x.arg not in ("self", "cls")]


def signs_without_types(tree):
    """Names of functions in a file with a parameter or a result that is `untyped`."""
    for node, parameters in functions(tree):
        types = [node.returns, *(parameter.annotation for parameter in parameters)]
        if node.name not in OF_PYTHON and any(x is not None and untyped(x) for x in types):
            yield node.name


def test_types_that_say_nothing_are_found():
    code = """
def a(x: int, *y: str) -> list[int]: ...
def b(x: Mapping[str, Any]): ...
def c(x: int) -> "dict[str, Any] | None": ...
class D:
    def e(self, **x: object): ...
    def f(self, x: typing.Any): ...
    def __eq__(self, x: object): ...
"""
    tree = ast.parse(code)
    assert list(signs_without_types(tree)) == ["b", "c", "e", "f"]
    assert [len(parameters) for _, parameters in functions(tree)][:3] == [2, 1, 1]


RUNNER = {
    str(path.relative_to(ROOT / "runner").with_suffix("")): ast.parse(path.read_text())
    for path in (ROOT / "runner").rglob("*.py")
}


def test_values_between_rooms_have_types():
    found = {name: list(signs_without_types(tree)) for name, tree in RUNNER.items()}
    assert {name: names for name, names in found.items() if names and name not in DOORS} == {}
    assert [name for name in DOORS if not found[name]] == [], "they are no doors any more"


def test_functions_take_few_parameters():
    found = {
        f"{name}.{node.name}"
        for name, tree in RUNNER.items()
        for node, parameters in functions(tree)
        if len(parameters) > MOST_PARAMETERS
        # Each parameter of a command is an option.
        and not (name.startswith("commands/") and node.name in COMMANDS)
    }
    assert found == WIDE


HEAVY = ("torch", "torchvision", "timm", "sklearn", "numpy", "pandas", "matplotlib", "scipy")
LIGHT = [
    "--help", "run --help", "list tricks", "list tasks", "list grids", "list studies",
    "show mixup", "show baseline+mixup+lars", "run --grid full --dry-run --json",
    "run --grid leave-one-out --dry-run",
]  # fmt: skip


def run(lines, forbidden, folder):
    code = (
        "import sys\n"
        "from runner.cli import call\n"
        f"for line in {lines!r}:\n"
        "    assert call(line.split()) == 0, line\n"
        f"    found = [name for name in {forbidden!r} if name in sys.modules]\n"
        "    assert not found, (line, found)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_light_commands_import_nothing_heavy(tmp_path):
    done = run(LIGHT, HEAVY, tmp_path)
    assert done.returncode == 0, done.stderr


def test_analyze_needs_no_torch(tmp_path):
    rows = [f"{mixup},{seed},{90 + mixup + seed / 10}" for mixup in (0, 1) for seed in range(4)]
    (tmp_path / "runs.csv").write_text("\n".join(["mixup,seed,accuracy", *rows]))
    done = run(["analyze runs.csv", "analyze runs.csv --json"], ("torch", "timm"), tmp_path)
    assert done.returncode == 0, done.stderr


def test_plan_needs_no_torch(tmp_path):
    lines = ["plan --effect 0.3 --sigma 0.3 --tricks warmup,cosine", "list grids --tricks warmup"]
    done = run(lines, ("torch", "timm"), tmp_path)
    assert done.returncode == 0, done.stderr


def test_report_needs_no_torch(tmp_path):
    study = ROOT / "results" / "reference" / "digits-script"
    done = run([f"report {study}", f"analyze {study}"], ("torch", "timm"), tmp_path)
    assert done.returncode == 0, done.stderr


FLOW = (ROOT / "docs" / "how_a_run_flows.md").read_text()


def test_the_flow_of_a_run_names_files_and_functions_that_are_there():
    named = re.findall(r"`([\w/]+\.py)`(?:\s+`([\w.]+)`)?", FLOW)
    assert len(named) > 40
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in FILES}
    for file, name in named:
        found = [text for path, text in sources.items() if path.endswith(f"/{file}")]
        found += [(ROOT / file).read_text()] if (ROOT / file).is_file() else []
        assert found, file
        last = name.rpartition(".")[2]
        assert not name or any(re.search(rf"(def|class) {last}\b", text) for text in found), name


def test_the_flow_of_a_run_lists_the_rooms_in_their_order():
    listed = re.search(r"in this list.*?\n.*?: (.*?)\. The bag", FLOW, re.DOTALL)
    rooms = re.findall(r"`(\w+)(?:/|\.py)`", listed[1])
    there = {path.name.removesuffix(".py") for path in (ROOT / "runner").iterdir()}
    assert rooms == [name for floor in FLOORS for name in floor if name in there]
