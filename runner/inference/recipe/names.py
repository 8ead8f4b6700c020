"""The names that source code binds, reads and imports, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Read:
    """A place in the source where a name of the module is read."""

    name: str
    line: int  # from 1
    column: int  # of UTF-8 bytes


@dataclass(frozen=True)
class Source:
    """A module: where each name is defined, or imported from (module, name or "")."""

    lines: tuple[str, ...]
    defined: dict[str, ast.stmt]
    imported: dict[str, tuple[str, str]]

    def text(self, node: ast.stmt) -> str:
        """The lines of a statement, with its decorators and the comments within."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min((node.lineno, *(d.lineno for d in decorators)))
        return "\n".join(self.lines[first - 1 : node.end_lineno])


def read(text: str) -> Source:
    """The top-level names of a module's `text`, without imports that are only for types."""
    defined: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined[node.name] = node
        elif isinstance(node, ast.Assign):
            defined |= dict.fromkeys(bound([node]), node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined[node.target.id] = node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imported |= imports(node)
    return Source(tuple(text.splitlines()), defined, imported)


def imports(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """Name -> (module, name in it; "" for the module itself)."""
    if isinstance(node, ast.ImportFrom):
        return {a.asname or a.name: (str(node.module), a.name) for a in node.names}
    return {a.asname or a.name.partition(".")[0]: (a.name, "") for a in node.names}


def bound(nodes: list[ast.stmt]) -> set[str]:
    """Names that statements bind in their own scope, without nested functions."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= set(imports(node))
        else:
            for inner in _own_scope(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    found.add(inner.id)
                elif isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    found.add(inner.name)
                elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                    found |= set(imports(inner))
    return found


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            yield child
        else:
            yield from _own_scope(child)


def reads(node: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[Read]:
    """Names of the module that `node` reads, without annotations, which are never evaluated.

    hidden: names that the enclosing functions bind themselves.
    """
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in hidden:
            yield Read(node.id, node.lineno, node.col_offset)
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        yield from _of_function(node, hidden)
        return
    if isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list, *node.bases, *node.keywords]
        for part in (*parts, *node.body):
            yield from reads(part, hidden)
        return
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from reads(node.value, hidden)
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        targets = {n.id for g in node.generators for n in ast.walk(g.target)
                   if isinstance(n, ast.Name)}  # fmt: skip
        hidden = hidden | targets
    for child in ast.iter_child_nodes(node):
        yield from reads(child, hidden)


def _of_function(node: Function, hidden: frozenset[str]) -> Iterator[Read]:
    given = node.args
    for default in (*given.defaults, *(d for d in given.kw_defaults if d is not None)):
        yield from reads(default, hidden)
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    every += [x for x in (given.vararg, given.kwarg) if x is not None]
    own = {x.arg for x in every}
    if isinstance(node, ast.Lambda):
        yield from reads(node.body, hidden | own)
        return
    for decorator in node.decorator_list:
        yield from reads(decorator, hidden)
    inner = hidden | own | bound(node.body)
    for statement in node.body:
        yield from reads(statement, frozenset(inner))
