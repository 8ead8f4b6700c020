"""Lifting: functions and tricks of the bag as source code that does not need tricks-bench.

A definition is copied together with all definitions that it uses, each once, in an order that runs.
So a script has the code that trained, not a second version of it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from runner.inference.recipe.names import Read, Source, imports, read, reads
from tricks.errors import BadInput

OWN_PACKAGES = ("tricks", "runner")
# Internal parts of tricks-bench that a script does not need.
LEFT = ("tricks.trick", "tricks.bag", "tricks.recipe", "tricks.published", "tricks.loading")
CARD = (
    "source", "published", "standard", "factor", "version", "stage", "aside", "lr_like",
)  # fmt: skip
Place = tuple[str, str]  # module, name


class Unliftable(BadInput):
    """A definition that a script cannot contain; the message says why."""


@dataclass
class Lifting:
    """The lifted definitions of a script.

    imports: lines. blocks: of source, each after the blocks that it needs. names: of the
    definitions in the script. taken: names that the script uses for other things.
    """

    taken: set[str]
    imports: set[str] = field(default_factory=set)
    blocks: list[str] = field(default_factory=list)
    names: dict[Place, str] = field(default_factory=dict)

    def function(self, module: str, name: str) -> str:
        """Lift a function, class or constant. Returns its name in the script."""
        return self._lift((module, name), None)

    def trick(self, cls: type, methods: Iterable[str]) -> str:
        """Lift a trick's parameters and its `methods`, where it has them. Returns its name."""
        there = [name for name in methods if hasattr(cls, name)]
        return self._lift((cls.__module__, cls.__name__), there)

    def _lift(self, place: Place, methods: list[str] | None) -> str:
        if place in self.names:
            return self.names[place]
        source = source_of(place[0])
        if place[0] in LEFT or place[1] not in source.defined:
            raise Unliftable(f"it needs {place[1]} of {place[0]}, which a script cannot contain")
        name = place[1]
        while name in self.taken:
            name = f"{place[0].rpartition('.')[2]}_{name}"
        self.taken.add(name)
        self.names[place] = name
        node = source.defined[place[1]]
        if methods is not None and isinstance(node, ast.ClassDef):
            parts = _trimmed(node, methods)
        else:
            parts = [node]
        self.blocks.append(self._text(place, source, node, parts))
        return name

    def _text(self, place: Place, source: Source, node: ast.stmt, parts: list[ast.stmt]) -> str:
        """The source of `node` (for a class, only `parts`), with the names of the script."""
        lines = list(source.lines)
        renamed: list[tuple[Read, str]] = []
        local: dict[str, Place] = {}
        for inner in (x for part in parts for x in ast.walk(part)):
            if isinstance(inner, ast.ImportFrom) and str(inner.module).startswith(OWN_PACKAGES):
                local |= imports(inner)
                for number in range(inner.lineno - 1, inner.end_lineno or inner.lineno):
                    lines[number] = ""
        whole = parts == [node]
        head = [] if whole or not isinstance(node, ast.ClassDef) else node.decorator_list
        for item in (x for part in (*parts, *head) for x in reads(part)):
            new = self._found(place[0], source, item.name)
            if new is not None and new != item.name:
                renamed.append((item, new))
        for name, origin in local.items():
            new = self._lift(origin, None)
            for item in (x for part in parts for x in _names(part, name)):
                if new != name:
                    renamed.append((item, new))
        for item, new in sorted(set(renamed), key=lambda r: (r[0].line, -r[0].column)):
            data = lines[item.line - 1].encode()
            end = item.column + len(item.name.encode())
            lines[item.line - 1] = (data[: item.column] + new.encode() + data[end:]).decode()
        changed = Source(tuple(lines), source.defined, source.imported)
        text = changed.text(node) if whole else _class_text(changed, node, parts)
        text = re.sub(r"\n\n\n+", "\n\n", text)
        own = self.names[place]
        if own != place[1]:
            pattern = rf"^(\s*(?:def|class)\s+|){re.escape(place[1])}\b"
            text = re.sub(pattern, rf"\g<1>{own}", text, count=1, flags=re.M)
        return text

    def _found(self, module: str, source: Source, name: str) -> str | None:
        """The script's name for a name that `module` reads; None for a built-in name."""
        if name in source.defined:
            return self._lift((module, name), None)
        if name not in source.imported:
            return None
        origin = source.imported[name]
        if origin[0].startswith(OWN_PACKAGES):
            return self._lift(origin, None)
        line = f"from {origin[0]} import {origin[1]}" if origin[1] else f"import {origin[0]}"
        known = origin[1] or origin[0]
        self.imports.add(line if name in (known, known.partition(".")[0]) else f"{line} as {name}")
        return None


@cache
def source_of(module: str) -> Source:
    """A module of this program. Raises Unliftable for a module without a file."""
    spec = importlib.util.find_spec(module) if module.startswith(OWN_PACKAGES) else None
    if spec is None or spec.origin is None:
        raise Unliftable(f"it is defined in {module}, which is not a file of tricks-bench")
    return read(Path(spec.origin).read_text(encoding="utf-8"))


def _names(node: ast.AST, name: str) -> Iterable[Read]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id == name:
            yield Read(name, inner.lineno, inner.col_offset)


def _trimmed(node: ast.ClassDef, methods: list[str]) -> list[ast.stmt]:
    """A trick's parameters, its `methods`, and the methods that these call."""
    own = {x.name: x for x in node.body if isinstance(x, ast.FunctionDef)}
    wanted: list[str] = []
    left = [name for name in methods if name in own]
    while left:
        name = left.pop()
        wanted.append(name)
        used = {x.attr for x in ast.walk(own[name]) if isinstance(x, ast.Attribute)}
        left += [x for x in own if x in used and x not in wanted and x not in left]
    kept: list[ast.stmt] = []
    for item in node.body:
        field_ = isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        if isinstance(item, ast.FunctionDef):
            if item.name in wanted:
                kept.append(item)
        elif field_ and item.target.id not in CARD:  # type: ignore[attr-defined]
            kept.append(item)
    return kept


def _class_text(source: Source, node: ast.stmt, parts: list[ast.stmt]) -> str:
    assert isinstance(node, ast.ClassDef)
    idea = (ast.get_docstring(node) or node.name).split("\n")[0]
    texts = [f'    """{idea}"""', ""]
    for part in parts:
        if isinstance(part, ast.FunctionDef) and texts[-1]:
            texts.append("")
        texts.append(source.text(part))
    lines = ["@dataclass(frozen=True)", f"class {node.name}:", *texts]
    return "\n".join(lines).rstrip()
