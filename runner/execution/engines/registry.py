"""Engines by name: one per file in this folder, and engines that other code registers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from runner.execution import engines
from runner.execution.engines.engine import Engine
from runner.execution.order import Order
from runner.records.store import Store
from tricks.errors import unknown

Make = Callable[[Store, Order], Engine]
_known: dict[str, Make] = {}
_lacks: dict[str, Callable[[], str]] = {}


def register(name: str, make: Make, lacks: Callable[[], str] = str) -> None:
    """Register an engine, which `make` makes for a store and an order, for `Order.engine`.

    lacks: returns why it cannot be used here; "" if it can.
    """
    _known[name], _lacks[name] = make, lacks


def find(name: str) -> Make:
    """The function that makes the engine `name`. Raises BadInput with close matches."""
    _import()
    if name not in _known:
        raise unknown("engine", name, _known)
    return _known[name]


def usable() -> dict[str, str]:
    """Name of each engine -> why it cannot be used here, or ""."""
    _import()
    return {name: lacks() for name, lacks in sorted(_lacks.items())}


def _import() -> None:
    for module in pkgutil.iter_modules(engines.__path__):
        importlib.import_module(f"{engines.__name__}.{module.name}")
