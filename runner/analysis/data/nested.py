"""Objects in the cells of a table: trackers write config and summary of a run this way."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from runner.records.json_values import JsonValue

Columns = dict[str, "JsonValue"]


def as_columns(row: Mapping[str, JsonValue], above: str = "") -> Columns:
    """One level of names: `a.b` for an object within an object.

    A list of `{"key", "value"}` objects, as MLflow writes parameters and metrics, counts as an
    object; other lists are text.

    >>> as_columns({"config": {"mixup": True}, "seed": 1})
    {'config.mixup': True, 'seed': 1}
    >>> as_columns({"data": {"params": [{"key": "lr", "value": "0.1"}]}})
    {'data.params.lr': '0.1'}
    """
    found: Columns = {}
    for key, value in row.items():
        name = f"{above}{key}"
        if isinstance(value, (list, tuple)) and value and all(map(_is_pair, value)):
            value = {str(pair["key"]): pair["value"] for pair in value}
        if isinstance(value, Mapping) and value:
            found |= as_columns(value, f"{name}.")
        else:
            found[name] = value
    return found


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one column for each key of columns whose cells are all texts of objects.

    `pandas.DataFrame.to_csv` writes objects as text, in Python's notation or in JSON.
    """
    for name in list(table.columns):
        cells = table[name].str.strip()
        if not (cells.str.startswith("{") & cells.str.endswith("}")).all():
            continue
        read = [_object(text) for text in cells]
        if any(row is None for row in read):
            continue
        rows = [as_columns({str(name): row}) for row in read]
        columns = pd.DataFrame(rows, dtype=object, index=table.index)
        columns = columns.map(lambda cell: "" if cell is None or cell != cell else str(cell))
        held = [column for column in columns if column not in table]
        table = pd.concat([table.drop(columns=name), columns[held]], axis=1)
    return table


def _is_pair(value: JsonValue) -> bool:
    return isinstance(value, Mapping) and {"key", "value"} <= set(value)


class _Floats(ast.NodeTransformer):
    """Makes nan and inf numbers, which is how Python writes them: a diverged run has some."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(float(node.id)) if node.id in ("nan", "inf") else node


def _literal(text: str) -> JsonValue:
    """The value of a Python literal. Raises ValueError or SyntaxError for other code."""
    value: JsonValue = ast.literal_eval(_Floats().visit(ast.parse(text, mode="eval")))
    return value


def _object(text: str) -> Columns | None:
    readers: tuple[Callable[[str], JsonValue], ...] = (json.loads, _literal)
    for read in readers:
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict):
            return value
    return None
