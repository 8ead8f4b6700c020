"""Imported by the template alone: what its processes share is made here once, before they fork.

A call that goes wrong is left to the processes, which make it anew and tell.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os

from runner.execution.engines.template import CALLS


def call(name: str, arguments: list[object]) -> None:
    """Call the function "module:function"."""
    module, _, function = name.partition(":")
    with contextlib.suppress(Exception):
        getattr(importlib.import_module(module), function)(*arguments)


for one in json.loads(os.environ.get(CALLS, "[]")):
    call(*one)
    # A collection in a forked process would write into all pages of what is there already.
    gc.collect()
    gc.freeze()
